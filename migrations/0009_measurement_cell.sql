-- "What was measured in this area": an area is asked for as spans of cells. Only rows that tell a place have one.
create index measurement_cell on measurement (cell, measured_at) where cell is not null;
