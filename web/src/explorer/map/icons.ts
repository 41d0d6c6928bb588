// Icons drawn on request: MapLibre names a missing image, and the name holds what to draw.

export interface BadgeIcon {
  mobile: boolean;
  /** `#rrggbb`. */
  colour: string;
  /** An old value: hollow. */
  stale: boolean;
}

const PIXEL_RATIO = 2;
const BADGE_SIZE = 32;
const HATCH_SIZE = 8;

export function iconName({ mobile, colour, stale }: BadgeIcon): string {
  return `badge ${mobile ? "mobile" : "fixed"} ${colour} ${stale ? "stale" : "current"}`;
}

/** Name of the pattern of cells with too few values. */
export function hatchName(dark: boolean): string {
  return `hatch ${dark ? "dark" : "light"}`;
}

/** The image of a name made here; undefined for other names. */
export function drawImage(name: string, dark: boolean): { image: ImageData; pixelRatio: number } | undefined {
  const [kind, first = "", colour = "", age] = name.split(" ");
  if (kind === "badge") {
    const image = draw(BADGE_SIZE, (context) =>
      drawBadge(context, { mobile: first === "mobile", colour, stale: age === "stale" }, dark),
    );
    return image && { image, pixelRatio: PIXEL_RATIO };
  }
  if (kind === "hatch") {
    const image = draw(HATCH_SIZE, (context) => drawHatch(context, first === "dark"));
    return image && { image, pixelRatio: PIXEL_RATIO };
  }
  return undefined;
}

function draw(size: number, paint: (context: CanvasRenderingContext2D) => void): ImageData | undefined {
  const canvas = document.createElement("canvas");
  canvas.width = size * PIXEL_RATIO;
  canvas.height = size * PIXEL_RATIO;
  const context = canvas.getContext("2d");
  if (!context) {
    return undefined;
  }
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  paint(context);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** A circle moves, a square with round corners stays. */
function drawBadge(context: CanvasRenderingContext2D, { mobile, colour, stale }: BadgeIcon, dark: boolean) {
  const inset = 3;
  const size = BADGE_SIZE - 2 * inset;
  const outline = () => {
    context.beginPath();
    context.roundRect(inset, inset, size, size, mobile ? size / 2 : 6);
  };
  outline();
  context.fillStyle = stale ? (dark ? "#1d252d" : "#ffffff") : colour;
  context.shadowColor = "rgba(0, 0, 0, 0.35)";
  context.shadowBlur = 3;
  context.shadowOffsetY = 1;
  context.fill();
  context.shadowColor = "transparent";
  // Two outlines, so that one of them contrasts with the ground and the cells.
  context.lineWidth = 3.5;
  context.strokeStyle = dark ? "#0b1014" : "#ffffff";
  context.stroke();
  context.lineWidth = 1.5;
  context.strokeStyle = stale ? colour : dark ? "#e8edf1" : "#15212b";
  if (stale) {
    context.setLineDash([4, 2.5]);
  }
  context.stroke();
}

function drawHatch(context: CanvasRenderingContext2D, dark: boolean) {
  context.strokeStyle = dark ? "rgba(232, 237, 241, 0.75)" : "rgba(21, 33, 43, 0.7)";
  context.lineWidth = 1.1;
  for (const offset of [-HATCH_SIZE, 0, HATCH_SIZE]) {
    context.beginPath();
    context.moveTo(offset - 1, HATCH_SIZE + 1);
    context.lineTo(offset + HATCH_SIZE + 1, -1);
    context.stroke();
  }
}
