// The stream of pictures; opened anew after the connection was lost, or where all seats were taken.
const AGAIN_MS = 5000;

export class Picture {
  constructor(image, says) {
    this.image = image;
    this.says = says;
    image.addEventListener("error", () => {
      clearTimeout(this.again);
      this.again = setTimeout(() => this.open(), AGAIN_MS);
      this.refused();
    });
    image.addEventListener("load", () => this.says(""));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
  }

  open() {
    if (document.hidden) return; // nobody looks: nothing is sent
    clearTimeout(this.again);
    this.image.src = `/picture.mjpeg?${Date.now()}`;
  }

  close() {
    clearTimeout(this.again);
    this.image.removeAttribute("src");
  }

  async refused() {
    try {
      const answer = await fetch("/picture.mjpeg", { method: "HEAD" });
      this.says(answer.status === 503 ? "The picture is shown in as many windows as are allowed: close one" : "");
    } catch {
      // the connection is lost, and the page says so
    }
  }
}
