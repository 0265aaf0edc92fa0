import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, type WriteStream, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until";

/** The namespace is ours alone, so ports can be the well-known ones. */
export const PORTS = { http: 8080, admin: 9090, turn: 3478, sfuUdp: 7882, sfuTcp: 7881 };
export const URL_BASE = `http://127.0.0.1:${PORTS.http}`;

export interface ServerOptions {
  /** Where it listens, and by what scheme. */
  readonly address: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Puts the command line elsewhere: into another namespace. */
  readonly inside?: (...command: [string, ...string[]]) => [string, ...string[]];
}

const config = ({ address, tls }: ServerOptions) => `
server:
  listen: ${address}:${PORTS.http}
${tls ? `  tls: { cert: ${tls.cert}, key: ${tls.key} }` : ""}
admin:
  listen: 127.0.0.1:${PORTS.admin}
data_dir: data
auth:
  guest_login: true
session:
  grace: 2s
topology:
  promote_at: 3
  demote_at: 2
  demote_after: 1s
  dwell: 1s
turn:
  udp: ${address}:${PORTS.turn}
  tcp: ${address}:${PORTS.turn}
sfu:
  udp: ${address}:${PORTS.sfuUdp}
  tcp: ${address}:${PORTS.sfuTcp}
`;

/** The real server as a child process, with a configuration and a data folder of its own. */
export class Server {
  private readonly folder = mkdtempSync(join(tmpdir(), "atrium-e2e-"));
  private readonly log: WriteStream;
  private child: ChildProcess | undefined;

  private readonly options: ServerOptions;

  constructor(results: string, options: ServerOptions = { address: "127.0.0.1" }) {
    this.options = options;
    writeFileSync(join(this.folder, "atrium.yaml"), config(options));
    mkdirSync(results, { recursive: true });
    this.log = createWriteStream(join(results, "server.log"));
  }

  async start(): Promise<void> {
    const binary = process.env.ATRIUM_BIN;
    if (!binary) throw new Error("ATRIUM_BIN does not name the server; run e2e/run.sh");
    const inside = this.options.inside ?? ((...command) => command);
    const [command, ...args] = inside(binary, "serve", "--config", "atrium.yaml");
    const child = spawn(command, args, {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let tail = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.log.write(data);
        tail = (tail + data.toString()).slice(-2000);
      });
    }
    await until("the server answers", async () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${tail}`);
      return accepts(this.options.address, PORTS.http);
    });
  }

  /** As a crash would: nobody is told. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async close(): Promise<void> {
    await this.end("SIGTERM");
    this.log.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), 12_000);
    await ended;
    clearTimeout(force);
  }
}

/** Whether somebody listens there. The server listens once it is ready. */
function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("timeout", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
