# Daily means of each device from an airgraph, with R. Needs no packages.
#
#     AIRGRAPH_URL=http://127.0.0.1:8000 Rscript export.R 2026-05-01T00:00:00Z 2026-06-01T00:00:00Z

arguments <- commandArgs(trailingOnly = TRUE)
url <- paste0(
  Sys.getenv("AIRGRAPH_URL"), "/export/measurements.csv",
  "?from=", arguments[1], "&to=", arguments[2], "&notFlags=OUT_OF_RANGE&columns=device,measured_at,pm2_5&times=epoch"
)
file <- tempfile(fileext = ".csv")
# Fails if the file is not complete.
download.file(url, file, mode = "wb", quiet = TRUE)

measurements <- read.csv(file, na.strings = "", colClasses = c(device = "character"))
measurements$measured_at <- as.POSIXct(measurements$measured_at, origin = "1970-01-01", tz = "UTC")
measurements$day <- as.Date(measurements$measured_at, tz = "UTC")
print(aggregate(pm2_5 ~ device + day, measurements, function(values) c(mean = mean(values), samples = length(values))))
