/** Colours of the ground and of lines on the map, by colour scheme. */
export interface MapPalette {
  sea: string;
  land: string;
  border: string;
  graticule: string;
  label: string;
  labelHalo: string;
  cellOutline: string;
  selection: string;
  selectionHalo: string;
  /** Around the lines of trips. */
  lineCasing: string;
  text: string;
}

export const LIGHT_PALETTE: MapPalette = {
  sea: "#dbe6ec",
  land: "#f7f7f4",
  border: "#b9c2c9",
  graticule: "#cdd6dc",
  label: "#51606d",
  labelHalo: "#ffffff",
  cellOutline: "rgba(21, 33, 43, 0.5)",
  text: "#15212b",
  selection: "#0b57d0",
  selectionHalo: "#ffffff",
  lineCasing: "#ffffff",
};

export const DARK_PALETTE: MapPalette = {
  sea: "#0d1318",
  land: "#1a2127",
  border: "#3b4752",
  graticule: "#27313a",
  label: "#a3b1bd",
  labelHalo: "#0d1318",
  cellOutline: "rgba(232, 237, 241, 0.5)",
  text: "#e8edf1",
  selection: "#8ab4ff",
  selectionHalo: "#0b1014",
  lineCasing: "#0b1014",
};
