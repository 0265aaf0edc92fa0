/**
 * Runs in the page before its own code: the camera shows a drawn person in a room instead of the browser's green test
 * picture. Only for the picture of the README; the tests keep the browser's fake camera.
 */
export function drawnCamera(person: { skin: string; hair: string; shirt: string; wall: string; style: number }): void {
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 240;
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  const ellipse = (x: number, y: number, rx: number, ry: number, fill: string) => {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
    pen.fill();
  };
  const box = (x: number, y: number, w: number, h: number, r: number, fill: string) => {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.roundRect(x, y, w, h, r);
    pen.fill();
  };
  const room = () => {
    const wall = pen.createLinearGradient(0, 0, 320, 240);
    wall.addColorStop(0, person.wall);
    wall.addColorStop(1, "#2c2f3d");
    pen.fillStyle = wall;
    pen.fillRect(0, 0, 320, 240);
    if (person.style % 2 === 0) {
      box(18, 24, 92, 74, 4, "#f4e9d0");
      box(24, 30, 38, 62, 2, "#9fd0ea");
      box(66, 30, 38, 62, 2, "#b6dcef");
    } else {
      box(214, 30, 92, 8, 2, "#5b4636");
      box(214, 78, 92, 8, 2, "#5b4636");
      const books = ["#d8584d", "#e7b04c", "#58a87b", "#9c7be0", "#4d7bd8", "#e3e6ee"];
      books.forEach((color, i) => {
        box(218 + i * 14, 6 + (i % 3) * 4, 11, 24 - (i % 3) * 4, 1, color);
        box(218 + i * 14, 50 + ((i + 1) % 3) * 4, 11, 28 - ((i + 1) % 3) * 4, 1, books[(i + 2) % 6] as string);
      });
    }
  };
  const draw = (time: number) => {
    const sway = Math.sin(time * 1.1 + person.style) * 3;
    const nod = Math.sin(time * 1.7 + person.style * 2) * 2;
    room();
    const x = 160 + sway;
    const y = 108 + nod;
    if (person.style === 1 || person.style === 3) ellipse(x, y + 26, 62, 78, person.hair);
    ellipse(160, 262, 104, 84, person.shirt);
    box(x - 19, y + 44, 38, 46, 14, person.skin);
    ellipse(x, y, 49, 60, person.skin);
    pen.save();
    pen.beginPath();
    pen.ellipse(x, y - 6, 53, 62, 0, Math.PI, Math.PI * 2);
    pen.clip();
    ellipse(x + (person.style % 2 === 0 ? 8 : -8), y - 42, 62, 38, person.hair);
    pen.restore();
    const blink = (time + person.style) % 3.4 < 0.13 ? 0.12 : 1;
    for (const side of [-1, 1]) {
      ellipse(x + side * 19, y + 2, 5, 6.5 * blink, "#26222a");
      box(x + side * 19 - 10, y - 16, 20, 4, 2, person.hair);
      if (person.style === 2) {
        pen.strokeStyle = "#2a2d38";
        pen.lineWidth = 3;
        pen.strokeRect(x + side * 19 - 13, y - 8, 26, 20);
      }
    }
    pen.strokeStyle = "rgba(90, 40, 40, 0.75)";
    pen.lineWidth = 4;
    pen.lineCap = "round";
    pen.beginPath();
    pen.arc(x, y + 20, 17, 0.25, Math.PI - 0.25);
    pen.stroke();
  };
  const begun = performance.now();
  setInterval(() => draw((performance.now() - begun) / 1000), 66);
  draw(0);
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) =>
    constraints?.video ? canvas.captureStream(15) : real(constraints);
}
