// Compares the gateway with graphql-js, the reference implementation. Both must accept and reject the same random requests.
// Responses must equal those of graphql-js for the same values and errors: keys, their order, and error propagation. A query
// and its twin, in which graphql-js has inlined fragments and variables, must have the same response.
//
//   AIRGRAPH_REQUESTS=50000 npm run test:server -- specification    # 2000 unless set
//   AIRGRAPH_SEED=7                                                 # 1 unless set

import { afterAll, beforeAll, expect, test } from "vitest";
import { type Accepted, oracle, schema } from "./differential/oracle";
import { type Answer, replay } from "./differential/replay";
import { Generator, type Request } from "./differential/requests";
import { twin } from "./differential/twin";
import { Gateway } from "./gateway";

const COUNT = Number(process.env["AIRGRAPH_REQUESTS"] ?? 2000);
const SEED = Number(process.env["AIRGRAPH_SEED"] ?? 1);
const CONCURRENCY = 8;
const MAX_REPORTED = 20;

/** Settings without limits per minute: tens of thousands of requests of one caller would be refused. */
const WITHOUT_LIMITS = {
  AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE: "unlimited",
  AIRGRAPH_ANONYMOUS_DATABASE_SECONDS_PER_MINUTE: "unlimited",
  AIRGRAPH_KEY_DATABASE_SECONDS_PER_MINUTE: "unlimited",
};

/** Error codes of the gateway's own limits. */
const LIMITS = ["TOO_COMPLEX", "RATE_LIMITED", "UNAVAILABLE"];

/** Messages of the gateway for values of another type. */
const OF_TYPES = /: (expected|a value of type|\w+ has no such field|\w+ takes exactly one field)|^variable/;

/** Requests with accepted differences, each with the reason. */
const DISAGREEMENTS: { reason: string; applies(request: Request, expected: Accepted | string, answer: Answer): boolean }[] = [
  {
    reason: "graphql-js accepts every number in JavaScript's range as a Float; 1e400 is invalid in JSON too",
    applies: ({ query }) => /\d[eE]\+?\d{3,}/.test(query),
  },
  {
    reason: "values that a mutation can never accept refuse the request before an earlier mutation of it runs",
    applies: (_request, expected, { data, errors }) =>
      typeof expected !== "string" && expected.operation.operation === "mutation" && data === undefined &&
      errors!.every(({ message, extensions }) => extensions?.code === "BAD_USER_INPUT" && !OF_TYPES.test(message)),
  },
];

/** Fields with different values in each request. */
const VOLATILE_FIELDS = /\b(server|feedCursor|lastUsedAt|airQualityInd\w+)\b/;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start(WITHOUT_LIMITS);
  for (const [device, pm10] of [["box", 1], ["box", 2.5], ["pole", 7], ["box", 40]] as const) {
    await gateway.record(device, pm10);
  }
});

afterAll(() => gateway.remove());

const HEADERS = { "content-type": "application/json", accept: "application/json" };

async function send(request: Request): Promise<Answer> {
  const headers = { ...HEADERS, authorization: `Bearer ${gateway.key}` };
  const response = await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body: JSON.stringify(request) });
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw new Error(`${response.status}: ${text}`);
  }
}

/** The first result of a stream. */
async function subscribe(request: Request): Promise<Answer> {
  const stop = new AbortController();
  const response = await fetch(`${gateway.url}/graphql/stream`, {
    method: "POST",
    headers: { ...HEADERS, accept: "text/event-stream" },
    body: JSON.stringify({ ...request, extensions: { resume: { after: null } } }),
    signal: stop.signal,
  });
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const result = /^data: (.+)\n/m.exec(text)?.[1];
    if (result !== undefined) {
      stop.abort();
      return JSON.parse(result) as Answer;
    }
  }
  throw new Error(`a stream without a result: ${response.status} ${text}`);
}

interface Outcome {
  kind: "accepted" | "refused" | "limited" | "listed";
  differs: string[];
}

/** All differences of the gateway. */
async function compare(request: Request, number: number, hasTwin: boolean): Promise<Outcome> {
  const { kind, differs } = await differences(request, hasTwin);
  return { kind, differs: differs.map((fault) => `#${number} ${JSON.stringify(request)}\n  ${fault}`) };
}

async function differences(request: Request, hasTwin: boolean): Promise<Outcome> {
  const expected = oracle(request);
  const isSubscription = typeof expected !== "string" && expected.operation.operation === "subscription";
  const answer = await (isSubscription ? subscribe(request) : send(request));
  if (answer.errors?.some(({ extensions }) => LIMITS.includes(extensions?.code ?? ""))) {
    return { kind: "limited", differs: [] };
  }
  if (DISAGREEMENTS.some((known) => known.applies(request, expected, answer))) {
    return { kind: "listed", differs: [] };
  }
  const faults = (answer.errors ?? []).filter(({ message, extensions }) => !message || !extensions?.code);
  const differs = faults.map((error) => `an error without message or code: ${JSON.stringify(error)}`);
  if (typeof expected === "string") {
    return { kind: "refused", differs: "data" in answer ? [`accepted though invalid: ${expected}`] : differs };
  }
  if (!("data" in answer)) {
    return { kind: "accepted", differs: [...differs, `refused though valid: ${JSON.stringify(answer.errors)}`] };
  }
  const isPosition = isSubscription && answer.data === null && !answer.errors;
  if (!isPosition) {
    differs.push(...(await replay(expected, answer)));
  }
  const query = hasTwin && !isSubscription && !VOLATILE_FIELDS.test(request.query) ? twin(expected) : undefined;
  if (query !== undefined) {
    const same = await send({ query, variables: {} });
    if (JSON.stringify(same.data) !== JSON.stringify(answer.data)) {
      differs.push(`its twin ${query} is answered ${JSON.stringify(same)} and not ${JSON.stringify(answer)}`);
    }
  }
  return { kind: "accepted", differs };
}

test(
  "the gateway takes, refuses and answers requests as the specification says",
  async () => {
    const requests = Array.from({ length: COUNT }, (_, at) => at);
    const isMutation = ({ query }: Request) => /\bmutation\b/.test(query);
    const made = (number: number) => new Generator(schema, SEED * 1_000_003 + number).request();
    const found: string[] = [];
    const counts: Record<string, number> = {};
    // A query and its twin see the same data: mutations run after all of them.
    for (const mutations of [false, true]) {
      const queue = requests.values();
      const work = async () => {
        for (const number of queue) {
          const request = made(number);
          if (isMutation(request) !== mutations || found.length >= MAX_REPORTED) {
            continue;
          }
          const { kind, differs } = await compare(request, number, !mutations);
          counts[kind] = (counts[kind] ?? 0) + 1;
          found.push(...differs);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    }
    expect(found.join("\n\n")).toBe("");
    console.log(counts);
    // The generator must still produce both kinds.
    expect(counts["accepted"]).toBeGreaterThan(COUNT / 5);
    expect(counts["refused"]).toBeGreaterThan(COUNT / 5);
  },
  Math.max(120_000, COUNT * 60),
);
