import type { Quantity } from "../view";

/** Bounds between the classes of quantities that have customary ones, ascending, in the unit of the quantity. */
const STEPS: Partial<Record<Quantity, readonly number[]>> = {
  PM1: [2.5, 5, 7.5, 10, 15, 25, 50],
  PM2_5: [2.5, 5, 7.5, 10, 15, 25, 50],
  PM4: [2.5, 5, 7.5, 10, 15, 25, 50],
  PM10: [5, 10, 15, 20, 30, 45, 90],
  NO2: [10, 20, 30, 40, 60, 90],
  O3: [40, 60, 80, 100, 120, 160],
  CO: [0.5, 1, 2, 4, 7, 10],
  CO2: [450, 600, 800, 1000, 1400, 2000],
  TEMPERATURE: [-5, 0, 5, 10, 15, 20, 25, 30],
  AMBIENT_TEMPERATURE: [-5, 0, 5, 10, 15, 20, 25, 30],
  DEW_POINT: [-5, 0, 5, 10, 15, 20],
  HUMIDITY: [30, 40, 50, 60, 70, 80, 90],
  NOISE: [40, 50, 55, 60, 65, 70, 75],
  VOC_INDEX: [50, 100, 150, 200, 300, 400],
  NOX_INDEX: [1, 5, 20, 50, 150, 300],
};

/** Maximum number of bounds between classes. */
export const MAX_STEPS = 12;

/** Whether the numbers can be bounds between classes: 1 to `MAX_STEPS` of them, ascending. */
export function areSteps(numbers: readonly number[]): boolean {
  const ascending = numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));
  return ascending && numbers.length > 0 && numbers.length <= MAX_STEPS && numbers.every(Number.isFinite);
}

/** Number of classes of a quantity without customary steps. */
const CLASS_COUNT = 7;

/** The bounds for a quantity; without customary ones they divide the range of `values`. */
export function defaultSteps(quantity: Quantity, values: readonly number[]): readonly number[] {
  return STEPS[quantity] ?? stepsOf(values);
}

/** Round bounds that divide the central part of `values` into about `CLASS_COUNT` classes. */
export function stepsOf(values: readonly number[]): number[] {
  const sorted = values.filter(Number.isFinite).sort((one, other) => one - other);
  const low = sorted[Math.floor(sorted.length * 0.05)] ?? 0;
  const high = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? low;
  if (high <= low) {
    return [roundTo(low, niceStep(Math.abs(low) / 2 || 1))];
  }
  const step = niceStep((high - low) / (CLASS_COUNT - 1));
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  const steps = Array.from({ length: last - first + 1 }, (_, index) => roundTo((first + index) * step, step));
  return steps.length === 0 ? [roundTo((low + high) / 2, step / 10)] : steps;
}

/** 1, 2 or 5 times a power of ten: the smallest that is at least `size`. */
export function niceStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= size * 0.999) ?? 10;
  return factor * power;
}

/** Multiple of `step` without binary noise such as 0.30000000000000004. */
function roundTo(value: number, step: number): number {
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  return Number((Math.round(value / step) * step).toFixed(Math.min(decimals, 12)));
}

/** `steps` with the one at `index` moved to `value`, kept between its neighbours. */
export function moveStep(steps: readonly number[], index: number, value: number): number[] {
  const { low, high, increment } = stepLimits(steps, index);
  const rounded = roundTo(value, increment);
  const moved = Math.min(Math.max(rounded, low + increment), high - increment);
  return steps.map((step, other) => (other === index ? roundTo(moved, increment) : step));
}

/** Exclusive limits of a step, and the increment of its value. */
export function stepLimits(steps: readonly number[], index: number) {
  const value = steps[index] ?? 0;
  const before = steps[index - 1];
  const after = steps[index + 1];
  const width = Math.max(value - (before ?? value), (after ?? value) - value) || Math.abs(value) || 1;
  const low = before ?? Math.min(0, value - width);
  const high = after ?? value + width;
  return { low, high, increment: niceStep(Math.max(high - low, Number.MIN_VALUE * 1e10) / 100) };
}
