import type { AdminApiKeyFragment } from "../../graphql/generated/admin";

export type KeyState = "valid" | "expired" | "revoked";

export function stateOf({ revokedAt, expiresAt }: AdminApiKeyFragment, now: number): KeyState {
  if (revokedAt) {
    return "revoked";
  }
  return expiresAt && Date.parse(expiresAt) <= now ? "expired" : "valid";
}

export const ROLES = {
  SENSOR: { label: "sensor", detail: "Reads, and records measurements." },
  READER: { label: "reader", detail: "Reads everything but admin fields." },
  ADMIN: { label: "admin", detail: "May do everything, also delete." },
} as const;
