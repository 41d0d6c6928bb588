import { MAX_SUBJECTS } from "../../view";

/** Colours of a chart, from the custom properties of panels.css. */
export interface ChartTheme {
  line: string;
  band: string;
  grid: string;
  axis: string;
  gap: string;
  flag: string;
  mark: string;
  surface: string;
  /** Colours of the compared subjects. */
  subjects: readonly string[];
  font: string;
}

/** The colours as they are at `element`: a canvas has no custom properties and no `light-dark()`. */
export function readTheme(element: HTMLElement): ChartTheme {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const theme: ChartTheme = {
    line: color("--chart-line"),
    band: color("--chart-band"),
    grid: color("--chart-grid"),
    axis: color("--text-muted"),
    gap: color("--chart-gap"),
    flag: color("--chart-flag"),
    mark: color("--text"),
    surface: color("--surface-raised"),
    subjects: Array.from({ length: MAX_SUBJECTS }, (_, index) => color(`--subject-${index + 1}`)),
    font: `12px ${getComputedStyle(probe).fontFamily}`,
  };
  probe.remove();
  return theme;
}
