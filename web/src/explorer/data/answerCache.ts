import type { MapQuery, MapQueryVariables } from "../../graphql/generated/explorer";

/** Answers are used again for this long, in milliseconds: late samples change the past. */
const MAX_AGE = 5 * 60_000;
/** Only spans that ended this long ago are kept, in milliseconds. */
const MIN_SPAN_AGE = 60 * 60_000;
/** Bounds of the memory: cells of all answers, and answers. */
const MAX_CELLS = 100_000;
const MAX_ANSWERS = 200;

export interface Answer {
  data: MapQuery;
  variables: MapQueryVariables;
}

/** Answers about the past: playing through a range again needs no requests. */
export class AnswerCache {
  /** By the requested variables, the least recently stored first. */
  readonly #answers = new Map<string, Answer & { storedAt: number }>();
  #cells = 0;

  get(key: string, now: number): Answer | undefined {
    const answer = this.#answers.get(key);
    if (answer && now - answer.storedAt > MAX_AGE) {
      this.#delete(key);
      return undefined;
    }
    return answer;
  }

  set(key: string, answer: Answer, now: number): void {
    const { to } = answer.variables.measuredAt;
    if (to == null || now - Date.parse(to) < MIN_SPAN_AGE) {
      return;
    }
    this.#delete(key);
    this.#answers.set(key, { ...answer, storedAt: now });
    this.#cells += answer.data.cells.length;
    while (this.#cells > MAX_CELLS || this.#answers.size > MAX_ANSWERS) {
      const [oldest] = this.#answers.keys();
      this.#delete(oldest ?? key);
    }
  }

  #delete(key: string): void {
    this.#cells -= this.#answers.get(key)?.data.cells.length ?? 0;
    this.#answers.delete(key);
  }
}
