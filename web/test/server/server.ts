// The server under test:
//
//   AIRGRAPH_URL  where a running server is
//   AIRGRAPH_KEY  an admin's key of it

function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is missing: these tests need a running server (see .ci/run)`);
  }
  return value;
}

export const url = needed("AIRGRAPH_URL").replace(/\/$/, "");
export const key = needed("AIRGRAPH_KEY");
