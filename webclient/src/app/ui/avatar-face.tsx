import { useEffect, useRef } from "preact/hooks";
import { avatarColor } from "../map/palette";
import { drawPerson } from "../map/person";

/** The same avatar as on the map, standing still. */
export function AvatarFace({ name, avatarId, size }: { name: string; avatarId: string; size: number }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    const pen = canvas?.getContext("2d");
    if (!canvas || !pen) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = size * ratio;
    canvas.height = size * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size, size);
    pen.translate(size / 2, size * 0.88);
    const look = {
      name,
      color: avatarColor(avatarId),
      facing: "south" as const,
      walking: false,
      sitting: false,
      time: 1,
      speaking: false,
      muted: false,
      silenced: false,
      self: false,
      faded: false,
    };
    drawPerson(pen, look, size * 0.72);
  }, [name, avatarId, size]);
  return (
    <span class="face" aria-hidden="true">
      <canvas ref={ref} style={{ width: `${size}px`, height: `${size}px` }} />
    </span>
  );
}
