import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Office, Peer, Playback } from "../../sdk";
import type { Tile } from "../map/carrier";
import type { Point } from "../map/grid";
import { avatarColor } from "../map/palette";
import { moderates, untilText } from "../office/measures";
import { tellSizes } from "../office/shown";
import { AvatarFace } from "./avatar-face";
import { useLinger, useOfficeEvents } from "./hooks";
import { MicIcon, MoreIcon, MutedIcon } from "./icons";

interface Props {
  office: Office;
  playback: Playback;
  /** The stage moves what stands in here. */
  tiles: Map<string, Tile>;
  /** All in a strip at the top instead of beside the avatars. */
  strip: boolean;
  /** Opens the menu about someone. */
  onPerson(userId: string, at: Point): void;
}

/** People's pictures. The same elements in both layouts, so that changing it interrupts no picture. */
export function Tiles({ office, playback, tiles, strip, onPerson }: Props) {
  useOfficeEvents(office, "peer-joined", "peer-left", "media", "zone");
  const section = useRef<HTMLElement>(null);
  useEffect(() => tellSizes(office, () => section.current), [office]);
  return (
    <section ref={section} class={`tiles ${strip ? "strip" : "bubbles"}`} aria-label="Pictures of the people here">
      {[...office.peers.values()].map((peer) => (
        <PersonTile
          key={peer.user.user_id}
          peer={peer}
          playback={playback}
          tiles={tiles}
          onPerson={moderates(office.role) ? onPerson : undefined}
        />
      ))}
    </section>
  );
}

interface TileProps {
  peer: Peer;
  playback: Playback;
  tiles: Map<string, Tile>;
  onPerson: Props["onPerson"] | undefined;
}

function PersonTile({ peer, playback, tiles, onPerson }: TileProps) {
  const ref = useRef<HTMLElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const id = peer.user.user_id;
  const source = peer.media.screen.active ? "screen" : "camera";
  // A packet that is late, or a hand-over from one way to another, is not a camera that was switched off.
  const muted = peer.mutedUntil === null ? "" : `muted by a moderator until ${untilText(peer.mutedUntil)}`;
  const visible = useLinger(peer.media[source].active, 1200);

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    tiles.set(id, { element, at: undefined });
    return () => {
      tiles.delete(id);
    };
  }, [id, tiles]);

  // At every render: someone who left and came back in between has a new picture under the same id.
  useLayoutEffect(() => {
    const shown = playback.video(id, source);
    if (picture.current && picture.current.firstChild !== shown) picture.current.replaceChildren(shown);
  });

  return (
    <figure
      ref={ref}
      class={`tile ${source}${visible ? "" : " off"}`}
      style={{ "--color": avatarColor(peer.user.avatar_id) }}
      data-user={id}
    >
      <div class="picture" ref={picture} />
      {!visible && <AvatarFace name={peer.user.display_name} avatarId={peer.user.avatar_id} size={64} />}
      <figcaption>
        {muted ? (
          <span class="mic-muted" role="img" aria-label={muted} title={muted}>
            <MutedIcon size={13} />
          </span>
        ) : (
          !peer.media.mic.active && (
            <span class="mic-off" role="img" aria-label="microphone off">
              <MicIcon off size={13} />
            </span>
          )
        )}
        <span>{peer.user.display_name}</span>
      </figcaption>
      {onPerson && (
        <button
          type="button"
          class="icon small more"
          aria-haspopup="menu"
          aria-label={`What to do about ${peer.user.display_name}`}
          onClick={(event) => {
            const { left, bottom } = event.currentTarget.getBoundingClientRect();
            onPerson(id, { x: left, y: bottom + 4 });
          }}
        >
          <MoreIcon />
        </button>
      )}
    </figure>
  );
}
