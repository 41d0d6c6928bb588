import { expect, test } from "vitest";
import { BANDS } from "../../../src/explorer/legend/bands";
import { colouringOf } from "../../../src/explorer/legend/colouring";
import { defaultSteps, moveStep, niceStep, stepsOf } from "../../../src/explorer/legend/steps";
import { luminance, textColourOn, viridis, viridisPalette } from "../../../src/explorer/legend/viridis";

test("viridis becomes brighter from low to high", () => {
  expect([viridis(0), viridis(1)]).toEqual(["#440154", "#fde725"]);
  const luminances = viridisPalette(12).map(luminance);
  expect(luminances).toEqual([...luminances].sort((one, other) => one - other));
});

test("text on every colour has a contrast of at least 4.5", () => {
  const colours = [...viridisPalette(12), ...Object.values(BANDS).flatMap((bands) => bands.map(({ colour }) => colour))];
  for (const colour of colours) {
    const [low, high] = [luminance(colour), luminance(textColourOn(colour))].sort((one, other) => one - other);
    expect((high! + 0.05) / (low! + 0.05), colour).toBeGreaterThanOrEqual(4.5);
  }
});

test("a bound belongs to the class above it", () => {
  const { classOf, classes } = colouringOf({ kind: "quantity", quantity: "PM2_5" }, [5, 10]);
  expect([-1, 4.9, 5, 9.9, 10, 999].map(classOf)).toEqual([0, 0, 1, 1, 2, 2]);
  expect(classes.map(({ label }) => label)).toEqual(["under 5", "5–10", "10 and more"]);
});

test("index values are in the band of their scale", () => {
  const epa = colouringOf({ kind: "index", scale: "US_EPA" }, []);
  expect([0, 50, 51, 500, 600].map((value) => epa.classes[epa.classOf(value)]?.label)).toEqual([
    "Good",
    "Good",
    "Moderate",
    "Hazardous",
    "Hazardous",
  ]);
  const daqi = colouringOf({ kind: "index", scale: "UK_DAQI" }, []);
  expect(daqi.classes[daqi.classOf(10)]?.label).toBe("10 Very High");
});

test("steps of other quantities are round numbers within the values", () => {
  expect(stepsOf([1002, 1008, 1010, 1015, 1021, 1024])).toEqual([1005, 1010, 1015, 1020]);
  expect(stepsOf([0.11, 0.12, 0.135, 0.14])).toEqual([0.11, 0.115, 0.12, 0.125, 0.13, 0.135, 0.14]);
  expect(stepsOf([7, 7, 7])).toHaveLength(1);
  expect(stepsOf([])).toHaveLength(1);
  expect(defaultSteps("PM2_5", [1, 2])).toEqual(defaultSteps("PM2_5", []));
});

test("steps stay ascending wherever one is moved", () => {
  const steps = [5, 10, 15];
  for (const index of steps.keys()) {
    for (const value of [-1e6, 4.9, 5, 9.99, 10, 12, 1e6]) {
      const moved = moveStep(steps, index, value);
      expect(moved).toEqual([...moved].sort((one, other) => one - other));
      expect(new Set(moved).size).toBe(3);
    }
  }
  expect(moveStep(steps, 1, 12.34)).toEqual([5, 12.3, 15]);
});

test("nice steps are 1, 2 or 5 times a power of ten", () => {
  expect([0.03, 0.9, 1, 1.1, 4, 7, 120].map(niceStep)).toEqual([0.05, 1, 1, 2, 5, 10, 200]);
});
