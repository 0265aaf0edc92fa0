import type { Office } from "../../sdk";
import type { Point } from "../map/grid";
import { moderates, untilText } from "../office/measures";
import { AvatarFace } from "./avatar-face";
import { useOfficeEvents } from "./hooks";
import { CameraIcon, CloseIcon, MicIcon, MoreIcon, MutedIcon, WalkIcon } from "./icons";

interface Props {
  office: Office;
  onWalkTo(userId: string): void;
  /** Opens the menu about someone. */
  onPerson(userId: string, at: Point): void;
  onClose(): void;
}

/** Who shares the zone. */
export function People({ office, onWalkTo, onPerson, onClose }: Props) {
  useOfficeEvents(office, "peer-joined", "peer-left", "media", "local", "zone", "muted");
  const peers = [...office.peers.values()].sort((a, b) => a.user.display_name.localeCompare(b.user.display_name));
  const self = office.self;
  return (
    <aside class="people panel" aria-label="People in this zone">
      <header>
        <h2>
          In this zone <span class="count">{peers.length + (self ? 1 : 0)}</span>
        </h2>
        <button type="button" class="icon small" aria-label="Hide the list" onClick={onClose}>
          <CloseIcon />
        </button>
      </header>
      <ul>
        {self && (
          <li data-user={self.user.user_id}>
            <AvatarFace name={self.user.display_name} avatarId={self.user.avatar_id} size={34} />
            <span class="name">
              {self.user.display_name} <span class="dim">you</span>
            </span>
            <Devices mic={office.media.state.mic} camera={office.media.state.camera} mutedUntil={self.mutedUntil} />
          </li>
        )}
        {peers.map((peer) => (
          <li key={peer.user.user_id} data-user={peer.user.user_id}>
            <AvatarFace name={peer.user.display_name} avatarId={peer.user.avatar_id} size={34} />
            <span class="name">{peer.user.display_name}</span>
            <Devices mic={peer.media.mic.active} camera={peer.media.camera.active} mutedUntil={peer.mutedUntil} />
            {moderates(office.role) ? (
              <button
                type="button"
                class="icon small"
                aria-haspopup="menu"
                title={`What to do about ${peer.user.display_name}`}
                aria-label={`What to do about ${peer.user.display_name}`}
                onClick={(event) => {
                  const { left, bottom } = event.currentTarget.getBoundingClientRect();
                  onPerson(peer.user.user_id, { x: left - 180, y: bottom + 4 });
                }}
              >
                <MoreIcon />
              </button>
            ) : (
              <button
                type="button"
                class="icon small"
                title={`Walk to ${peer.user.display_name}`}
                aria-label={`Walk to ${peer.user.display_name}`}
                onClick={() => onWalkTo(peer.user.user_id)}
              >
                <WalkIcon />
              </button>
            )}
          </li>
        ))}
      </ul>
      {peers.length === 0 && (
        <p class="dim empty">Nobody else is here. Walk around, or send someone this page's address.</p>
      )}
    </aside>
  );
}

interface DevicesProps {
  mic: boolean;
  camera: boolean;
  mutedUntil: number | null;
}

function Devices({ mic, camera, mutedUntil }: DevicesProps) {
  const muted = mutedUntil === null ? "" : `muted by a moderator until ${untilText(mutedUntil)}`;
  const sound = mic ? "microphone on" : "microphone off";
  return (
    <span class="devices">
      {muted ? (
        <span class="muted" role="img" aria-label={muted} title={muted}>
          <MutedIcon />
        </span>
      ) : (
        <span class={mic ? "on" : "off"} role="img" aria-label={sound}>
          <MicIcon off={!mic} size={16} />
        </span>
      )}
      <span class={camera ? "on" : "off"} role="img" aria-label={camera ? "camera on" : "camera off"}>
        <CameraIcon off={!camera} size={16} />
      </span>
    </span>
  );
}
