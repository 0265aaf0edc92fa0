import { describe, expect, it } from "vitest";
import { decodeSDP, encodeSDP, sfuCodec, zoneCodec } from "./protocol";

describe("encode", () => {
  it("puts type, payload and version into one envelope", () => {
    expect(JSON.parse(zoneCodec.encode("JOIN_WORLD", { world_id: "w" }))).toEqual({
      type: "JOIN_WORLD",
      payload: { world_id: "w" },
      protocol_version: 1,
    });
  });
});

describe("decode", () => {
  it("reads a message and ignores fields that it does not know", () => {
    const frame = '{"type":"PEER_LEFT","payload":{"user_id":"u","more":1},"protocol_version":1,"x":{}}';
    expect(zoneCodec.decode(frame)).toEqual({ type: "PEER_LEFT", payload: { user_id: "u", more: 1 } });
  });

  it("takes a null candidate as the end of candidates", () => {
    const m = zoneCodec.decode('{"type":"ICE_CANDIDATE","payload":{"from":"u","candidate":null}}');
    expect(m).toEqual({ type: "ICE_CANDIDATE", payload: { from: "u", candidate: null } });
  });

  it("skips types that a newer server may have", () => {
    expect(zoneCodec.decode('{"type":"WEATHER","payload":{}}')).toBeNull();
    expect(zoneCodec.decode('{"type":"toString","payload":{}}')).toBeNull();
  });

  it.each([
    ["[]", /not a JSON object/],
    ["null", /not a JSON object/],
    ['{"payload":{}}', /no type/],
    ['{"type":"PEER_LEFT"}', /PEER_LEFT has no payload/],
    ['{"type":"PEER_LEFT","payload":[]}', /PEER_LEFT has no payload/],
    ['{"type":"PEER_LEFT","payload":{"user_id":7}}', /PEER_LEFT: user_id should be string, is number/],
    ['{"type":"PRESENCE_BATCH","payload":{"updates":null}}', /PRESENCE_BATCH: updates should be array, is null/],
    ['{"type":"USER_MUTED","payload":{"user_id":"u"}}', /USER_MUTED: until should be string\|null, is undefined/],
  ])("names what is wrong with %s", (frame, problem) => {
    expect(() => zoneCodec.decode(frame)).toThrow(problem);
  });

  it("knows which link it reads", () => {
    const frame = '{"type":"SLOTS","payload":{"slots":[]}}';
    expect(sfuCodec.decode(frame)).toEqual({ type: "SLOTS", payload: { slots: [] } });
    expect(zoneCodec.decode(frame)).toBeNull();
    const connected = '{"type":"CONNECTED","payload":{"slots":{"audio":1,"video":1},"session":"s"}}';
    expect(sfuCodec.decode(connected)?.type).toBe("CONNECTED");
    expect(() => zoneCodec.decode(connected)).toThrow(/CONNECTED: user should be object/);
  });

  it("refuses what is not JSON", () => {
    expect(() => zoneCodec.decode("{")).toThrow();
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
