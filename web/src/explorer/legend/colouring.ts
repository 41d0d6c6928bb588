import { formatNumber } from "../../shared/format";
import { QUANTITIES } from "../../shared/quantity";
import type { Layer } from "../view";
import { BANDS } from "./bands";
import { textColourOn, viridisPalette } from "./viridis";

/** A class of the legend. */
export interface ColourClass {
  /** Values as text: `10–15`, or the name of a band. */
  label: string;
  colour: string;
  /** Readable on `colour`. */
  textColour: string;
}

/** How values become classes and colours. */
export interface Colouring {
  classes: readonly ColourClass[];
  /** Bounds between classes; null when they are fixed by the scale. */
  steps: readonly number[] | null;
  classOf(value: number): number;
}

export function colouringOf(layer: Layer, steps: readonly number[]): Colouring {
  return layer.kind === "index" ? bandColouring(layer.scale) : stepColouring(steps, QUANTITIES[layer.quantity].decimals);
}

function stepColouring(steps: readonly number[], decimals: number): Colouring {
  const colours = viridisPalette(steps.length + 1);
  return {
    steps,
    classes: colours.map((colour, index) => ({
      colour,
      textColour: textColourOn(colour),
      label: classLabel(steps[index - 1], steps[index], decimals),
    })),
    // The lower bound belongs to the class.
    classOf: (value) => steps.filter((step) => value >= step).length,
  };
}

function classLabel(from: number | undefined, to: number | undefined, decimals: number): string {
  const text = (value: number) =>
    formatNumber(value, Number.isInteger(value) ? 0 : Math.max(decimals, 1));
  if (from === undefined) {
    return to === undefined ? "all values" : `under ${text(to)}`;
  }
  return to === undefined ? `${text(from)} and more` : `${text(from)}–${text(to)}`;
}

function bandColouring(scale: keyof typeof BANDS): Colouring {
  const bands = BANDS[scale];
  const named = scale === "UK_DAQI" ? (name: string, to: number) => `${to} ${name}` : (name: string) => name;
  return {
    steps: null,
    classes: bands.map(({ name, colour, to }) => ({
      colour,
      textColour: textColourOn(colour),
      label: named(name, to),
    })),
    classOf: (value) => {
      const index = bands.findIndex(({ to }) => value <= to);
      return index === -1 ? bands.length - 1 : index;
    },
  };
}
