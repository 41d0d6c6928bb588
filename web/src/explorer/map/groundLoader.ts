import { FINE_GROUND_ZOOM, type Ground, loadGround } from "./ground";

export type GroundDetail = "coarse" | "fine";

/** Loads the offline ground of a map: the coarse one at first, the fine one when the map is near and has features. */
export class GroundLoader {
  readonly #onLoad: (ground: Ground) => void;
  #detail: GroundDetail | null = null;

  constructor(onLoad: (ground: Ground) => void) {
    this.#onLoad = onLoad;
  }

  async show(detail: GroundDetail, zoom: number, hasFeatures: boolean): Promise<void> {
    const needed = detail === "coarse" || (hasFeatures && zoom >= FINE_GROUND_ZOOM);
    if (!needed || this.#detail === "fine" || this.#detail === detail) {
      return;
    }
    this.#detail = detail;
    try {
      const ground = await loadGround(detail);
      if (this.#detail === detail) {
        this.#onLoad(ground); // not over the fine one, which may be loaded first
      }
    } catch {
      this.#detail = null; // loaded again after the next movement
    }
  }
}
