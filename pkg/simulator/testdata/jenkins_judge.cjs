// Drives the demo's Jenkins with npm's jenkins, a client that nobody here wrote:
// list, trigger with parameters, follow the queue item, read and follow the console.
const [modules, url, user, token, job] = process.argv.slice(2);
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
(async () => {
  const imported = require(modules + '/jenkins');
  const Jenkins = imported.default || imported;
  const base = new URL(url);
  base.username = user;
  base.password = token;
  const client = new Jenkins({ baseUrl: base.toString(), crumbIssuer: false });
  const told = { jobs: (await client.job.list()).map((j) => j.name).sort() };
  const info = await client.job.get(job);
  told.last = info.lastBuild.number;
  told.red = (await client.build.get(job, told.last)).result;
  const item = await client.job.build({ name: job, parameters: { OS_VERSION: '6.6.0' } });
  let left;
  for (let i = 0; i < 500; i++) {
    left = await client.queue.item(item);
    if (left.executable) break;
    await wait(20);
  }
  told.new = left.executable.number;
  let text = '';
  for (let start = 0, i = 0; i < 500; i++) {
    const log = await client.build.log({ name: job, number: told.new, start, meta: true });
    text += log.text;
    if (!log.more) break;
    start = log.size;
    await wait(20);
  }
  told.finished = text.trimEnd().split('\n').pop().trim();
  told.result = (await client.build.get(job, told.new)).result;
  process.stdout.write(JSON.stringify(told));
})().catch((e) => { console.error(e); process.exit(1); });
