import { expect, it } from "vitest";
import { readToken } from "./token";

const jwt = (claims: object) => `x.${btoa(JSON.stringify(claims)).replace(/=+$/, "")}.y`;

it("reads when a token ends and whose role it carries", () => {
  expect(readToken(jwt({ exp: 1000, role: "editor" }))).toEqual({ expires: 1_000_000, role: "editor" });
});

it("takes what it cannot read for a guest's", () => {
  for (const token of ["nonsense", "", "a.b.c", jwt({ role: "emperor", exp: "soon" }), jwt([])]) {
    expect(readToken(token)).toEqual({ expires: undefined, role: "guest" });
  }
});
