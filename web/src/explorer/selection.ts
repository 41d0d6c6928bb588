import { MAX_SUBJECTS, sameSubject, type Subject } from "./view";

/** The subjects after one is chosen: alone, or with `add` added or removed. */
export function select(subjects: readonly Subject[], subject: Subject, add: boolean): Subject[] {
  if (!add) {
    return [subject];
  }
  const others = subjects.filter((other) => !sameSubject(other, subject));
  return others.length < subjects.length ? others : [...subjects, subject].slice(0, MAX_SUBJECTS);
}
