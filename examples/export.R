# Daily means of each device from an airgraph, with R. Needs the packages arrow and dplyr.
#
#     AIRGRAPH_URL=http://127.0.0.1:8000 Rscript export.R 2026-05-01T00:00:00Z 2026-06-01T00:00:00Z

library(arrow)
library(dplyr)

arguments <- commandArgs(trailingOnly = TRUE)
url <- paste0(
  Sys.getenv("AIRGRAPH_URL"), "/export/measurements.parquet",
  "?from=", arguments[1], "&to=", arguments[2], "&notFlags=OUT_OF_RANGE"
)
file <- tempfile(fileext = ".parquet")
download.file(url, file, mode = "wb", quiet = TRUE)

read_parquet(file) |>
  group_by(device, day = as.Date(measured_at, tz = "UTC")) |>
  summarise(pm2_5 = mean(pm2_5, na.rm = TRUE), samples = n(), .groups = "drop") |>
  print()
