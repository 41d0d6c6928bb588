// An ESP32 with an SDS011 that sends PM2.5 and PM10 to airgraph every minute.
// Libraries: HTTPClient and WiFi of the ESP32 core. Wiring: SDS011 TX to GPIO 16, RX to GPIO 17.

#include <HTTPClient.h>
#include <WiFi.h>
#include <time.h>

const char *WIFI_SSID = "...";
const char *WIFI_PASSWORD = "...";
const char *URL = "https://gateway.example/ingest/json";
const char *KEY = "...";  // airgraph keys create "Balcony" --role sensor --device balcony
const char *DEVICE = "balcony";
const unsigned long INTERVAL_MS = 60000;

// Reads one frame of the SDS011: AA C0, PM2.5 and PM10 in 0.1 µg/m³ (little endian), id, checksum, AB.
bool readSds011(float &pm25, float &pm10) {
  uint8_t frame[10];
  const unsigned long start = millis();
  while (millis() - start < 2000) {
    if (Serial2.read() != 0xAA) continue;
    frame[0] = 0xAA;
    if (Serial2.readBytes(frame + 1, 9) != 9 || frame[1] != 0xC0 || frame[9] != 0xAB) continue;
    uint8_t sum = 0;
    for (int i = 2; i < 8; i++) sum += frame[i];
    if (sum != frame[8]) continue;
    pm25 = (frame[2] | frame[3] << 8) / 10.0;
    pm10 = (frame[4] | frame[5] << 8) / 10.0;
    return true;
  }
  return false;
}

void setup() {
  Serial.begin(115200);
  Serial2.begin(9600, SERIAL_8N1, 16, 17);
  WiFi.begin(WIFI_SSID, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(500);
  configTime(0, 0, "pool.ntp.org");  // the sensor sends its own time, so a repeated sample is a duplicate
}

void loop() {
  float pm25, pm10;
  if (readSds011(pm25, pm10)) {
    char measuredAt[25], body[160];
    const time_t now = time(nullptr);
    strftime(measuredAt, sizeof measuredAt, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    snprintf(body, sizeof body, "{\"device\":\"%s\",\"time\":\"%s\",\"pm2_5\":%.1f,\"pm10\":%.1f}", DEVICE, measuredAt, pm25, pm10);
    HTTPClient http;
    http.begin(URL);
    http.addHeader("Authorization", String("Bearer ") + KEY);
    http.addHeader("Content-Type", "application/json");
    const int status = http.POST(body);
    Serial.printf("%d %s\n", status, http.getString().c_str());
    http.end();
  } else {
    Serial.println("no frame from the SDS011");
  }
  delay(INTERVAL_MS);
}
