import { ROLES, type Role } from "./types";

/** What a token says of its holder, as far as a page needs it. The server alone decides what that is worth. */
export interface Claims {
  /** Milliseconds since 1970. */
  readonly expires: number | undefined;
  readonly role: Role;
}

/** Reads a JWT without checking it. What cannot be read is a guest's. */
export function readToken(token: string): Claims {
  let claims: { exp?: unknown; role?: unknown } = {};
  try {
    const part = token.split(".")[1] ?? "";
    claims = JSON.parse(atob(part.replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    // no JWT
  }
  return {
    expires: typeof claims.exp === "number" ? claims.exp * 1000 : undefined,
    role: ROLES.find((r) => r === claims.role) ?? "guest",
  };
}
