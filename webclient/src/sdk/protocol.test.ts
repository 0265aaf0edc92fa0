import { describe, expect, it } from "vitest";
import { decode, decodeSDP, encode, encodeSDP } from "./protocol";

describe("encode", () => {
  it("puts type, payload and version into one envelope", () => {
    expect(JSON.parse(encode("JOIN_WORLD", { world_id: "w" }))).toEqual({
      type: "JOIN_WORLD",
      payload: { world_id: "w" },
      protocol_version: 1,
    });
  });
});

describe("decode", () => {
  it("reads a message and ignores fields that it does not know", () => {
    const frame = '{"type":"PEER_LEFT","payload":{"user_id":"u","more":1},"protocol_version":1,"x":{}}';
    expect(decode(frame)).toEqual({ type: "PEER_LEFT", payload: { user_id: "u", more: 1 } });
  });

  it("takes a null candidate as the end of candidates", () => {
    const m = decode('{"type":"ICE_CANDIDATE","payload":{"from":"u","candidate":null}}');
    expect(m).toEqual({ type: "ICE_CANDIDATE", payload: { from: "u", candidate: null } });
  });

  it("skips types that a newer server may have", () => {
    expect(decode('{"type":"WEATHER","payload":{}}')).toBeNull();
    expect(decode('{"type":"toString","payload":{}}')).toBeNull();
  });

  it.each([
    ["[]", /not a JSON object/],
    ["null", /not a JSON object/],
    ['{"payload":{}}', /no type/],
    ['{"type":"PEER_LEFT"}', /PEER_LEFT has no payload/],
    ['{"type":"PEER_LEFT","payload":[]}', /PEER_LEFT has no payload/],
    ['{"type":"PEER_LEFT","payload":{"user_id":7}}', /PEER_LEFT: user_id should be string, is number/],
    ['{"type":"SLOTS","payload":{"slots":null}}', /SLOTS: slots should be array, is null/],
  ])("names what is wrong with %s", (frame, problem) => {
    expect(() => decode(frame)).toThrow(problem);
  });

  it("refuses what is not JSON", () => {
    expect(() => decode("{")).toThrow();
  });
});

describe("SDP", () => {
  it("travels as base64 of UTF-8 and comes back letter by letter", () => {
    const sdp = "v=0\r\ns=Büro ✓\r\n";
    expect(decodeSDP(encodeSDP(sdp))).toBe(sdp);
    expect(encodeSDP("v=0\r\n")).toBe("dj0wDQo=");
  });

  it("that is not base64 is refused", () => {
    expect(() => decodeSDP("v=0 \u2713")).toThrow();
  });
});
