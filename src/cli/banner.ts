/** The banner: only for a person at a terminal, and on stderr (SPEC 1). */
const BANNERS: readonly string[] = [
  String.raw`
  ______      _
 |  ____|    | |
 | |__ __ _  | |_  ___
 |  __/ _' | | __|/ _ \
 | | | (_| | | |_|  __/
 |_|  \__,_|  \__|\___|
`,
  String.raw`
   __       _
  / _|     | |
 | |_ __ _ | |_ ___      .   .   .
 |  _/ _' || __/ _ \   on time, every
 | || (_| || ||  __/   time, and told
 |_| \__,_| \__\___|     .   .   .
`,
  String.raw`
  .--------.
  | \    / |     F  A  T  E
  |  \  /  |
  |   ::   |     what is due,
  |  / .\  |       is done
  | /.:::\ |
  '--------'
`,
];

export function showBanner(): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`${BANNERS[Math.floor(Math.random() * BANNERS.length)] ?? ''}\n`);
}
