/** A variable of the environment. */
export function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is missing: these tests need a running server (see .ci/run)`);
  }
  return value;
}
