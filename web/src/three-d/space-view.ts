/** The room as a space to look into: its walls, the field on a sheet, source and listener as spheres. */
import {
  BufferAttribute, BufferGeometry, CanvasTexture, DirectionalLight, DoubleSide, HemisphereLight, Line,
  LineBasicMaterial, LineDashedMaterial, LineSegments, Mesh, MeshBasicMaterial, MeshLambertMaterial, PerspectiveCamera,
  Points, PointsMaterial, Raycaster, Scene as Space, SphereGeometry, SRGBColorSpace, Vector2, Vector3, WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { fitted, font, ink } from "../canvas";
import { drawColourBar } from "../colour-bar";
import { FieldImage } from "../field-image";
import type { Room } from "../room";
import type { RoomPicture } from "../room-picture";
import { RoomError, type Point } from "../scene";
import { CutPanel } from "./cut-panel";
import { onFacingPlane } from "./dragging";
import { prismEdges } from "./prism-edges";
import { sheetMesh } from "./sheet-mesh";
import { Walk } from "./walk";

type Handle = "source" | "listener";

const colourOf: Record<Handle, string> = { source: ink.network, listener: "#f4f6fa" };
/** Degrees of the picture's height: from outside, and as one walks. */
const [outside, within] = [36, 72];

const vector = ([x, y, z]: Point) => new Vector3(x, y, z);
const through = (points: readonly Point[]) => new BufferGeometry().setFromPoints(points.map(vector));

export class SpaceView implements RoomPicture {
  showSensors = false;
  readonly image: FieldImage;
  private readonly renderer: WebGLRenderer;
  private readonly space = new Space();
  private readonly camera = new PerspectiveCamera(outside, 1, 0.02, 1000);
  private readonly orbit: OrbitControls;
  private readonly walk: Walk;
  private readonly spheres: Record<Handle, Mesh>;
  private readonly plumbs: Record<Handle, Line>;
  private readonly texture: CanvasTexture;
  private readonly sheet: Mesh<BufferGeometry, MeshBasicMaterial>;
  private readonly region: LineSegments<BufferGeometry, LineDashedMaterial>;
  private readonly sensors: Points;
  private drawnSheet: unknown = null;
  private readonly eye = new Vector3();

  constructor(
    container: HTMLElement,
    private readonly overlay: HTMLCanvasElement,
    private readonly handles: Record<Handle, HTMLElement>,
    private readonly room: Room,
    changed: () => void,
  ) {
    this.renderer = renderer();
    container.classList.add("space");
    container.prepend(this.renderer.domElement);
    this.image = new FieldImage(room);
    this.texture = new CanvasTexture(this.image.canvas);
    this.texture.colorSpace = SRGBColorSpace;
    this.sheet = new Mesh(new BufferGeometry(), new MeshBasicMaterial({ map: this.texture, side: DoubleSide, transparent: true }));
    this.spheres = { source: this.sphere("source"), listener: this.sphere("listener") };
    this.plumbs = { source: plumb("source"), listener: plumb("listener") };
    this.region = trainedRegion(room);
    this.sensors = sensorPoints(room);
    this.furnish();
    this.camera.up.set(0, 0, 1);
    this.orbit = this.orbitControls(changed);
    this.walk = new Walk(this.renderer.domElement, room, changed);
    new CutPanel(room);
  }

  draw(): void {
    this.image.paint();
    this.layOut();
    this.aim();
    this.showSheet();
    this.sensors.visible = this.showSensors;
    this.region.material.color.set(this.room.notice.startsWith("Source") ? ink.network : ink.soft);
    this.region.visible = !this.walk.active;
    this.place("source");
    this.place("listener");
    this.renderer.render(this.space, this.camera);
    this.drawOverlay();
  }

  toRoom(pageX: number, pageY: number, near: Point): Point {
    const box = this.overlay.getBoundingClientRect();
    const at = new Vector2((2 * (pageX - box.left)) / box.width - 1, 1 - (2 * (pageY - box.top)) / box.height);
    const caster = new Raycaster();
    caster.setFromCamera(at, this.camera);
    const facing = this.camera.getWorldDirection(new Vector3()).toArray();
    return onFacingPlane({ origin: caster.ray.origin.toArray(), direction: caster.ray.direction.toArray() }, near, facing);
  }

  private get centre(): Vector3 {
    return vector(this.room.scene.extent.map(([low, high]) => (low + high) / 2));
  }

  /** Half of the room's diagonal. */
  private get reach(): number {
    return Math.hypot(...this.room.scene.extent.map(([low, high]) => (high - low) / 2));
  }

  private sphere(name: Handle): Mesh {
    return new Mesh(new SphereGeometry(0.032 * this.reach, 32, 20), new MeshLambertMaterial({ color: colourOf[name] }));
  }

  private furnish(): void {
    const walls = new LineSegments(through(prismEdges(this.room.space)), new LineBasicMaterial({ color: ink.wall }));
    const sun = new DirectionalLight("#ffffff", 1.8);
    sun.position.set(-2, -3, 4);
    this.space.add(walls, this.region, this.sensors, this.sheet, sun, new HemisphereLight("#ffffff", "#5b6779", 1.6));
    this.space.add(...Object.values(this.spheres), ...Object.values(this.plumbs));
  }

  private orbitControls(changed: () => void): OrbitControls {
    const controls = new OrbitControls(this.camera, this.renderer.domElement);
    controls.target.copy(this.centre);
    controls.minDistance = 0.5 * this.reach;
    controls.maxDistance = 12 * this.reach;
    const distance = (1.12 * this.reach) / Math.sin((outside * Math.PI) / 360);
    this.eye.set(-0.52, -0.74, 0.43).normalize().multiplyScalar(distance).add(this.centre);
    this.camera.position.copy(this.eye);
    controls.update();
    controls.addEventListener("change", changed);
    return controls;
  }

  private layOut(): void {
    const { width, height } = this.overlay.getBoundingClientRect();
    this.renderer.setPixelRatio(window.devicePixelRatio || 1);
    this.renderer.setSize(Math.max(1, width), Math.max(1, height), false);
    this.camera.aspect = Math.max(1, width) / Math.max(1, height);
  }

  /** Look from outside, or from the listener while walking; the place outside is kept meanwhile. */
  private aim(): void {
    const { active } = this.walk;
    if (active && this.orbit.enabled) this.eye.copy(this.camera.position);
    if (!active && !this.orbit.enabled) this.camera.position.copy(this.eye);
    this.orbit.enabled = !active;
    if (active) {
      this.camera.position.copy(vector(this.room.listener));
      this.camera.lookAt(this.camera.position.clone().add(vector(this.walk.direction)));
    } else {
      this.camera.lookAt(this.orbit.target);
    }
    this.camera.fov = active ? within : outside;
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld();
  }

  private showSheet(): void {
    if (this.drawnSheet !== this.room.sheet) {
      this.drawnSheet = this.room.sheet;
      const { positions, places, triangles } = sheetMesh(this.room.sheet);
      this.sheet.geometry.dispose();
      this.sheet.geometry = new BufferGeometry();
      this.sheet.geometry.setAttribute("position", new BufferAttribute(positions, 3));
      this.sheet.geometry.setAttribute("uv", new BufferAttribute(places, 2));
      this.sheet.geometry.setIndex(triangles);
      this.texture.dispose(); // the image of another sheet may have another size
    }
    this.texture.needsUpdate = true;
    this.sheet.material.opacity = this.image.fresh ? 0.94 : 0.3;
  }

  /** Put sphere, plumb line and handle of the source or listener where it is. */
  private place(name: Handle): void {
    const at = vector(this.room[name]);
    const floor = new Vector3(at.x, at.y, this.room.scene.extent[2][0]);
    this.spheres[name].position.copy(at);
    this.plumbs[name].geometry.setFromPoints([at, floor]);
    const walking = this.walk.active && name === "listener";
    this.spheres[name].visible = this.plumbs[name].visible = !walking;
    const { x, y, hidden } = this.onPage(at);
    const handle = this.handles[name];
    handle.hidden = walking || hidden;
    handle.style.transform = `translate(${x}px, ${y}px)`;
    const where = this.room[name].map((value) => value.toFixed(2)).join(", ");
    handle.ariaLabel = `${name === "source" ? "Source" : "Listener"} at ${where} metres. Arrow, page up and page down keys move it.`;
  }

  private onPage(point: Vector3): { x: number; y: number; hidden: boolean } {
    const { width, height } = this.overlay.getBoundingClientRect();
    const seen = point.clone().project(this.camera);
    return { x: ((seen.x + 1) / 2) * width, y: ((1 - seen.y) / 2) * height, hidden: Math.abs(seen.z) > 1 };
  }

  private drawOverlay(): void {
    const { context, width, height } = fitted(this.overlay);
    const tall = Math.min(280, height - 100);
    const bar = { left: width - 78, top: (height - tall) / 2, height: tall };
    context.fillStyle = "rgba(10, 13, 19, 0.72)";
    context.beginPath();
    context.roundRect(bar.left - 16, bar.top - 34, 84, tall + 54, 10);
    context.fill();
    drawColourBar(context, this.image.scale, bar);
    if (this.walk.active) return;
    context.font = font(12, 550);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = ink.soft;
    const [[left], [near, far], [floor]] = this.room.scene.extent;
    const [before, behind] = [-0.07 * this.reach, 0.07 * this.reach];
    this.room.scene.extent.forEach(([lower, upper], axis) => {
      const corner = [left + before, axis === 2 ? far + behind : near + before, floor + before];
      const { x, y } = this.onPage(vector(corner.map((value, k) => (k === axis ? (lower + upper) / 2 : value))));
      context.fillText(`${"xyz"[axis]}  ${(upper - lower).toFixed(1)} m`, x, y);
    });
  }
}

function renderer(): WebGLRenderer {
  try {
    return new WebGLRenderer({ antialias: true, alpha: true });
  } catch {
    throw new RoomError(
      "This browser draws no rooms of three dimensions: it has no WebGL.",
      "Switch hardware acceleration on in the browser's settings, or open the page in another browser.",
    );
  }
}

function plumb(name: Handle): Line {
  return new Line(through([[0, 0, 0], [0, 0, 0]]), new LineBasicMaterial({ color: colourOf[name], transparent: true, opacity: 0.45 }));
}

function trainedRegion(room: Room): LineSegments<BufferGeometry, LineDashedMaterial> {
  const material = new LineDashedMaterial({ color: ink.soft, dashSize: 0.05, gapSize: 0.05, transparent: true, opacity: 0.55 });
  const region = new LineSegments(through(prismEdges(room.sourceRegion)), material);
  region.computeLineDistances();
  return region;
}

function sensorPoints(room: Room): Points {
  const [xs, ys, zs] = room.scene.sensors.grid;
  const places = xs.flatMap((x) => ys.flatMap((y) => zs.map((z): Point => [x, y, z])));
  return new Points(through(places), new PointsMaterial({ color: ink.strong, size: 2, sizeAttenuation: false }));
}
