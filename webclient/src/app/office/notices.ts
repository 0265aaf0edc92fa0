import type { Problem } from "../../sdk";

/** A banner: what happened, in plain words, and what one can do about it. */
export interface Notice {
  /** One notice per key; a newer one replaces the older. */
  key: string;
  tone: "info" | "warning" | "error";
  title: string;
  text: string;
  action: { label: string; run: () => void } | undefined;
  /** Goes away by itself. */
  passing: boolean;
}

/** What a notice's button may set in motion. */
export interface Remedies {
  setMic(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  hear(): Promise<void>;
}

/** The banner for a problem that the visit survives; undefined for one that is told elsewhere. */
export function noticeOf(problem: Problem, remedies: Remedies): Notice | undefined {
  switch (problem.code) {
    case "permission-denied":
    case "device-missing":
    case "device-busy":
    case "device-lost":
    case "insecure-page":
      return deviceNotice(problem, remedies);
    case "autoplay-blocked":
      return {
        key: "autoplay",
        tone: "warning",
        title: "You cannot hear anyone yet",
        text: "The browser waits for a click before it plays sound.",
        action: { label: "Click to hear", run: () => void remedies.hear() },
        passing: false,
      };
    case "connection-lost":
      // The connection's own state is shown for as long as it lasts.
      return undefined;
    case "request-refused":
      // Whoever asked tells it, with what was asked.
      return undefined;
    case "peer-unreachable":
      return {
        key: `peer-${problem.user_id ?? ""}`,
        tone: "warning",
        title: "No connection to someone here",
        text: problem.message,
        action: undefined,
        passing: true,
      };
    case "sfu-lost":
      return {
        key: "sfu",
        tone: "warning",
        title: "The media connection was lost",
        text: problem.message,
        action: undefined,
        passing: true,
      };
    default:
      return {
        key: problem.code,
        tone: "warning",
        title: "Something went wrong",
        text: problem.message,
        action: undefined,
        passing: true,
      };
  }
}

function deviceNotice(problem: Problem, remedies: Remedies): Notice {
  const camera = problem.source === "camera";
  const device = problem.source === "screen" ? "screen sharing" : camera ? "camera" : "microphone";
  const again = () => void (camera ? remedies.setCamera(true) : remedies.setMic(true));
  const missing = problem.code === "device-missing";
  return {
    key: `device-${problem.source ?? "mic"}`,
    tone: missing ? "info" : "warning",
    title: `You are without ${device}`,
    text: problem.message,
    action: problem.source === "screen" ? undefined : { label: "Try again", run: again },
    passing: false,
  };
}

/** What the screen says when a visit is over, and what the button does. */
export interface Farewell {
  title: string;
  text: string;
  action: "again" | "login" | "reload";
  label: string;
}

export function farewellOf(problem: Problem): Farewell {
  switch (problem.code) {
    case "replaced":
      return {
        title: "You are in the office in another tab",
        text: problem.message,
        action: "again",
        label: "Use this tab instead",
      };
    case "kicked":
      return { title: "You were removed", text: problem.message, action: "login", label: "Back to the entrance" };
    case "world-closed":
      return { title: "The world is closed", text: problem.message, action: "login", label: "Back to the entrance" };
    case "signed-out":
      return { title: "Your visit has ended", text: problem.message, action: "login", label: "Sign in again" };
    case "version":
      return { title: "This page is out of date", text: problem.message, action: "reload", label: "Reload the page" };
    case "flooding":
      return { title: "The server closed the connection", text: problem.message, action: "again", label: "Come back" };
    default:
      return {
        title: "The office did not let you in",
        text: problem.message,
        action: "login",
        label: "Back to the entrance",
      };
  }
}
