import type { Denial, ErrorPayload } from "./protocol";
import type { CorrectionReason, Source } from "./types";

/** What can go wrong, by name. */
export type ProblemCode =
  | "connection-lost"
  | "connection-refused"
  | "replaced"
  | "kicked"
  | "signed-out"
  | "version"
  | "flooding"
  | "request-refused"
  | "world-closed"
  | "permission-denied"
  | "device-missing"
  | "device-busy"
  | "device-lost"
  | "insecure-page"
  | "autoplay-blocked"
  | "peer-unreachable"
  | "sfu-lost"
  | "document-refused"
  | "document-unreached";

/** A problem in words that can be shown to a person as they are. */
export interface Problem {
  readonly code: ProblemCode;
  /** One or two plain sentences: what happened and what helps. */
  readonly message: string;
  /** For problems with a device or a person: which. */
  readonly source?: Source;
  readonly user_id?: string;
  /** The error code of the zone protocol, where the server said it. */
  readonly serverCode?: string;
  /** The server's details, where there are any. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** False when the SDK goes on trying by itself. */
  readonly fatal: boolean;
}

/** Thrown and rejected errors of the SDK: an Error that carries a {@link Problem}. */
export class OfficeError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = "OfficeError";
    this.problem = problem;
  }
}

// --- the office's own ------------------------------------------------------------------------------

export const connectionLost: Problem = {
  code: "connection-lost",
  message: "The connection to the office was lost. Connecting again.",
  fatal: false,
};

export const departed: Problem = { code: "connection-lost", message: "You have left the office.", fatal: true };

export const unanswered: Problem = {
  code: "connection-lost",
  message: "The server does not answer. Try again.",
  fatal: false,
};

export const notInWorld: Problem = { code: "request-refused", message: "You are not in a world yet.", fatal: false };

export const sfuLost: Problem = {
  code: "sfu-lost",
  message: "The media server was lost for a moment. Connecting to it again.",
  fatal: false,
};

export const peerUnreachable = (user: string, name = "Someone"): Problem => ({
  code: "peer-unreachable",
  user_id: user,
  message: `There is no direct way to ${name}. Trying another one.`,
  fatal: false,
});

/** A step into another zone that was corrected. */
export const noWay = (reason: CorrectionReason): Problem => ({
  code: "request-refused",
  message: "There is no way through here.",
  details: { reason },
  fatal: false,
});

const denials: Record<Denial, string> = {
  occupied: "Someone else is using it.",
  unauthorized: "You may not use it.",
  invalid: "It cannot be used from here.",
};

/** An object that one did not get. */
export const denied = (reason: Denial): Problem => ({
  code: "request-refused",
  message: denials[reason],
  details: { reason },
  fatal: false,
});

/** The world that one was in is gone, or has no room any more. */
export const worldClosed = (e: ErrorPayload): Problem => ({
  code: "world-closed",
  message:
    e.code === "WORLD_NOT_FOUND"
      ? "This world was closed by those who run the office."
      : "This world was drawn anew, and there is no room left for you in it.",
  serverCode: e.code,
  details: e.details,
  fatal: true,
});

/** An ERROR of the server. */
export const requestRefused = (e: ErrorPayload): Problem => ({
  code: "request-refused",
  message: e.message,
  serverCode: e.code,
  details: e.details,
  fatal: false,
});
