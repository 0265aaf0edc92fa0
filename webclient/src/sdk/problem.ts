import type { Source } from "./types";

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
  | "permission-denied"
  | "device-missing"
  | "device-busy"
  | "device-lost"
  | "insecure-page"
  | "autoplay-blocked"
  | "peer-unreachable"
  | "sfu-lost";

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
