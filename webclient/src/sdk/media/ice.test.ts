import { expect, it } from "vitest";
import { IceConfiguration } from "./ice";

const credentials = (epoch: number) => ({
  urls: ["turn:office.example"],
  username: `1:user:zone:${epoch}`,
  credential: "secret",
});
const own = { urls: "stun:stun.example" };

it("puts the zone's relay before the embedder's servers", () => {
  const ice = new IceConfiguration({ iceServers: () => [own], iceTransportPolicy: "relay" });
  expect(ice.forPeers(undefined)).toEqual({
    bundlePolicy: "max-bundle",
    iceTransportPolicy: "relay",
    iceServers: [own],
  });
  expect([ice.known, ice.relays(1)]).toEqual([false, false]);
  ice.add(credentials(1));
  expect([ice.known, ice.relays(1)]).toEqual([true, true]);
  expect(ice.forPeers(1).iceServers).toEqual([expect.objectContaining({ username: "1:user:zone:1" }), own]);
});

it("gives pairs the credentials of their epoch, the SFU the newest, after a new welcome none", () => {
  const ice = new IceConfiguration({ iceServers: () => [], iceTransportPolicy: undefined });
  ice.add(credentials(1));
  ice.add(credentials(2));
  expect(ice.forPeers(1).iceServers?.[0]?.username).toBe("1:user:zone:1");
  expect(ice.forSFU().iceServers?.[0]?.username).toBe("1:user:zone:2");
  expect(ice.relays(3)).toBe(false);
  ice.clear();
  expect(ice.known).toBe(false);
  expect(ice.forSFU()).toEqual({ bundlePolicy: "max-bundle", iceServers: [] });
});
