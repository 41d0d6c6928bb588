/** Dashes of the lines of compared subjects, in pixels: a line is recognised without its colour. */
export const SUBJECT_DASHES: readonly (readonly number[])[] = [[], [9, 4], [2, 4], [12, 4, 2, 4], [5, 3], [16, 5]];

/** `A` for the first subject. */
export function subjectLetter(index: number): string {
  return String.fromCharCode(65 + index);
}

/** Custom property of a subject's colour. */
export function subjectColor(index: number): string {
  return `var(--subject-${index + 1})`;
}
