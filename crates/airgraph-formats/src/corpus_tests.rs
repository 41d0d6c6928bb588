//! Contents of the bodies in `corpus`. Their structure and figures are those of bodies that users of the firmware
//! published; ids, names and places are made up.

use std::{fs, path::Path};

use airgraph_domain::quantity::Quantity::{
    self, BatteryVoltage, Co2, Humidity, NoxIndex, Particles0_3, Pm1, Pm2_5, Pm10, Pressure, SignalStrength,
    Temperature, VocIndex,
};

use super::{Incoming, format::Format, testing::incoming};

/// Format, file, device, and the readings of its one sample.
type Body = (&'static str, &'static str, &'static str, &'static [(Quantity, f64)]);

const BODIES: &[Body] = &[
    (
        "airrohr",
        "nrz-2017-078.json",
        "named",
        &[
            (Pm2_5, 3.92),
            (Pm10, 11.4),
            (Temperature, 24.54),
            (Humidity, 31.9),
            (Pressure, 947.0714),
            (SignalStrength, -78.0),
        ],
    ),
    (
        "airrohr",
        "nrz-2020-129.json",
        "named",
        &[
            (Pm2_5, 0.2),
            (Pm10, 0.4),
            (Temperature, 20.47),
            (Humidity, 69.02),
            (Pressure, 1006.1325),
            (SignalStrength, -94.0),
        ],
    ),
    ("airrohr", "nrz-2020-133.json", "named", &[(Pm2_5, 1.0), (Pm10, 1.1), (SignalStrength, -79.0)]),
    (
        "airrohr",
        "nrz-2024-135-dht22.json",
        "named",
        &[(Pm2_5, 34.47), (Pm10, 67.22), (Temperature, 2.0), (Humidity, 38.4), (SignalStrength, -70.0)],
    ),
    (
        "influx",
        "airrohr-nrz-2024-135.txt",
        "esp8266-12345678",
        &[(Pm2_5, 34.47), (Pm10, 67.22), (Temperature, 2.0), (Humidity, 38.4), (SignalStrength, -70.0)],
    ),
    (
        "airgradient",
        "one-3-0-10.json",
        "named",
        &[
            (Pm1, 3.0),
            (Pm2_5, 7.0),
            (Pm10, 8.0),
            (Temperature, 25.87),
            (Humidity, 43.0),
            (Co2, 447.0),
            (VocIndex, 100.0),
            (NoxIndex, 1.0),
            (Particles0_3, 442.0),
            (SignalStrength, -46.0),
        ],
    ),
    (
        "airgradient",
        "one-3-3-7.json",
        "named",
        &[
            (Pm1, 0.67),
            (Pm2_5, 0.67),
            (Pm10, 0.67),
            (Temperature, 21.91),
            (Humidity, 58.86),
            (Co2, 514.0),
            (VocIndex, 75.0),
            (NoxIndex, 1.0),
            (Particles0_3, 568.33),
            (SignalStrength, -72.0),
        ],
    ),
    (
        "airgradient",
        "one-averaged.json",
        "named",
        &[
            (Pm1, 0.0),
            (Pm2_5, 0.0),
            (Pm10, 0.0),
            (Temperature, 19.3),
            (Humidity, 65.01),
            (Co2, 464.0),
            (VocIndex, 88.25),
            (NoxIndex, 1.0),
            (Particles0_3, 135.5),
            (SignalStrength, -19.0),
        ],
    ),
    ("ttn-v2", "elsys.json", "elsys-ers-1", &[(Temperature, 22.6), (Humidity, 41.0), (Co2, 776.0)]),
    ("chirpstack", "v3-elsys.json", "Elsys_EMS_3", &[(Temperature, 22.6), (Humidity, 41.0)]),
    ("chirpstack", "v3-cayenne.json", "garden-sensor", &[(Temperature, 21.4), (Humidity, 51.5)]),
];

#[test]
fn published_bodies_have_their_values() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for &(format, file, device, readings) in BODIES {
        let body = fs::read(folder.join(format).join(file)).expect(file);
        let format = Format::from_name(format).expect(format);
        let decoded = (format.decode)(&Incoming { device_hint: Some("named"), ..incoming(&body) }).expect(file);
        let [seen] = &decoded.observations[..] else { panic!("{file}: {decoded:?}") };
        assert_eq!(seen.device.as_str(), device, "{file}");
        let found: Vec<_> = seen.sample.readings.iter().filter(|(quantity, _)| *quantity != BatteryVoltage).collect();
        assert_eq!(found, readings, "{file}; ignored: {:?}", decoded.ignored);
    }
}
