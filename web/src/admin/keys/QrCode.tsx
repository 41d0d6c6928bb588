import { encode } from "uqr";

/** Modules of white around the code, by which readers find it (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** A text as a QR code: dark on white in every theme, as readers expect it. */
export function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_ZONE });
  return (
    <svg className="qr-code" role="img" aria-label="QR code of the key" viewBox={`0 0 ${size} ${size}`}>
      <rect width={size} height={size} fill="#fff" />
      <path d={modulesPath(data)} fill="#000" shapeRendering="crispEdges" />
    </svg>
  );
}

/** One rectangle for each run of dark modules in a row. */
export function modulesPath(rows: boolean[][]): string {
  const path: string[] = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      const start = x;
      while (row[x]) {
        x += 1;
      }
      if (x > start) {
        path.push(`M${start} ${y}h${x - start}v1h${start - x}z`);
      }
    }
  });
  return path.join("");
}
