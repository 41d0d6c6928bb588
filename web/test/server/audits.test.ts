// GraphQL over HTTP, as the audits of the reference implementation see it.
import { serverAudits } from "graphql-http";
import { expect, test } from "vitest";
import { url } from "./server";

const audits = serverAudits({ url: `${url}/graphql` });

test("there are as many audits as ever", () => {
  expect(audits).toHaveLength(61);
});

test.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
  "%s",
  async (_name, audit) => {
    const result = await audit.fn();
    const told = result.status === "ok" ? "" : `${result.reason}: ${await result.response.text()}`;
    expect([result.status, told]).toEqual(["ok", ""]);
  },
);
