import type { TURNCredentials } from "../protocol";
import { CredentialStore } from "./credentials";

export interface IceOptions {
  /** STUN and TURN servers beside those of TURN_CREDENTIALS. */
  iceServers(): RTCIceServer[];
  readonly iceTransportPolicy: RTCIceTransportPolicy | undefined;
}

/** The servers that connections are made with: those that the zone's credentials are for, and the embedder's. Pure. */
export class IceConfiguration {
  private readonly o: IceOptions;
  private readonly credentials = new CredentialStore();

  constructor(options: IceOptions) {
    this.o = options;
  }

  /** A new welcome: those that are good now follow it. */
  clear(): void {
    this.credentials.clear();
  }

  add(credentials: TURNCredentials): void {
    this.credentials.add(credentials);
  }

  /** Whether credentials have come since the welcome. */
  get known(): boolean {
    return this.credentials.newest().length > 0;
  }

  /** Whether a pair has a relay to go by, in a zone whose topology is of this epoch. */
  relays(epoch: number | undefined): boolean {
    return this.credentials.forEpoch(epoch).length > 0;
  }

  /** For pairs, in a zone whose topology is of this epoch. */
  forPeers(epoch: number | undefined): RTCConfiguration {
    return this.with(this.credentials.forEpoch(epoch));
  }

  forSFU(): RTCConfiguration {
    return this.with(this.credentials.newest());
  }

  private with(turn: RTCIceServer[]): RTCConfiguration {
    const config: RTCConfiguration = { bundlePolicy: "max-bundle", iceServers: [...turn, ...this.o.iceServers()] };
    if (this.o.iceTransportPolicy) config.iceTransportPolicy = this.o.iceTransportPolicy;
    return config;
  }
}
