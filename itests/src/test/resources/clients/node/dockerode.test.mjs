// dockerode, which most of what is written in JavaScript is built on, against the engine of DOCKER_HOST.
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, test } from 'node:test';
import Docker from 'dockerode';
import tar from 'tar-fs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const docker = new Docker();
const registry = process.env.REGISTRY;

afterEach(async () => {
  for (const { Id } of await docker.listContainers({ all: true })) {
    // One that goes by itself may be going just now.
    await docker.getContainer(Id).remove({ force: true, v: true }).catch(({ statusCode }) => assert.ok([404, 409].includes(statusCode)));
  }
  for (const { Id } of await docker.listNetworks({ filters: { type: ['custom'] } })) await docker.getNetwork(Id).remove();
  for (const { Name } of (await docker.listVolumes()).Volumes ?? []) await docker.getVolume(Name).remove();
});

async function up(Cmd = ['sleep', '1000'], more = {}) {
  const container = await docker.createContainer({ Image: 'busybox', Cmd, ...more });
  await container.start();
  return container;
}

// What comes out of a stream of frames, each stream for itself.
async function apart(stream) {
  const out = new PassThrough();
  const err = new PassThrough();
  docker.modem.demuxStream(stream, out, err);
  stream.on('end', () => { out.end(); err.end(); });
  return Promise.all([text(out), text(err)]);
}

const followed = (stream) => new Promise((resolve, reject) => {
  const seen = [];
  docker.modem.followProgress(stream, (failed) => (failed ? reject(failed) : resolve(seen)), (event) => seen.push(event));
});

test('the engine tells what it is', async () => {
  assert.equal((await docker.ping()).toString(), 'OK');
  assert.match((await docker.version()).ApiVersion, /^1\./);
  assert.equal((await docker.info()).OSType, 'linux');
  assert.ok(Array.isArray((await docker.df()).Images));
});

test('run streams what is said and answers how it ended', async () => {
  const said = new PassThrough();
  const words = text(said);
  const [end, container] = await docker.run('busybox', ['sh', '-c', 'echo hello; exit 3'], said, { Tty: false });
  assert.equal(end.StatusCode, 3);
  assert.match(await words, /hello/);
  await container.remove();

  const terminal = new PassThrough();
  const typed = text(terminal);
  await docker.run('busybox', ['tty'], terminal, { Tty: true, HostConfig: { AutoRemove: true } });
  assert.equal(await typed, '/dev/pts/0\r\n');
});

test('attached input goes in and its end is heard', async () => {
  const container = await docker.createContainer({
    Image: 'busybox', Cmd: ['sh', '-c', 'cat; echo bad >&2; echo end'], OpenStdin: true, StdinOnce: true, AttachStdin: true,
  });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const words = apart(stream);
  await container.start();
  stream.write('one\n');
  stream.end('two\n');
  assert.deepEqual(await words, ['one\ntwo\nend\n', 'bad\n']);
  assert.equal((await container.wait()).StatusCode, 0);
});

test('commands run inside', async () => {
  const container = await up();
  const exec = await container.exec({
    Cmd: ['sh', '-c', 'read line; echo got $line; echo $X >&2; exit 5'], Env: ['X=y'],
    AttachStdin: true, AttachStdout: true, AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  const words = apart(stream);
  stream.write('words\n');
  assert.deepEqual(await words, ['got words\n', 'y\n']);
  const { ExitCode, Running } = await exec.inspect();
  assert.deepEqual({ ExitCode, Running }, { ExitCode: 5, Running: false });

  const plain = await container.exec({ Cmd: ['echo', 'plain'], AttachStdout: true });
  assert.deepEqual(await apart(await plain.start({})), ['plain\n', '']);
  const detached = await container.exec({ Cmd: ['touch', '/there'] });
  await detached.start({ Detach: true });
  const resized = await container.exec({ Cmd: ['cat'], Tty: true, AttachStdin: true, AttachStdout: true });
  const tty = await resized.start({ hijack: true, stdin: true, Tty: true });
  await resized.resize({ h: 30, w: 100 });
  tty.end('\x04');
  await text(tty);
});

test('logs, whole and followed', async () => {
  const container = await up(['sh', '-c', 'for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.1; done']);
  const stream = await container.logs({ follow: true, stdout: true, stderr: true });
  assert.deepEqual(await apart(stream), ['out 1\nout 2\nout 3\n', 'err 1\nerr 2\nerr 3\n']);
  const last = await container.logs({ stdout: true, tail: 1, timestamps: true });
  assert.match(last.subarray(8).toString(), /^\d{4}-.*Z out 3\n$/);
});

test('life, inspection and lists', async () => {
  const container = await up(['sleep', '1000'], { name: 'life', Labels: { l: 'm' }, HostConfig: { Memory: 33554432 } });
  await container.pause();
  assert.equal((await container.inspect()).State.Status, 'paused');
  await container.unpause();
  await container.rename({ name: 'other' });
  await container.update({ Memory: 67108864, MemorySwap: 134217728 });
  const { Name, HostConfig } = await container.inspect();
  assert.deepEqual([Name, HostConfig.Memory], ['/other', 67108864]);
  assert.equal((await container.top({ ps_args: '-ef' })).Processes.length, 1);
  await assert.rejects(container.start(), { statusCode: 304 });
  await container.restart({ t: 0 });
  await container.kill();
  assert.equal((await container.wait()).StatusCode, 137);
  assert.deepEqual((await docker.listContainers({ all: true, filters: { label: ['l=m'], status: ['exited'] } })).length, 1);
  await assert.rejects(docker.createContainer({ Image: 'busybox', name: 'other' }), { statusCode: 409 });
  await container.remove();
  await assert.rejects(container.inspect(), { statusCode: 404, reason: 'no such container' });
  await assert.rejects(docker.createContainer({ Image: 'nothing:1' }), { statusCode: 404 });
});

test('counters, once and as a stream', async () => {
  const container = await up(['sh', '-c', 'while :; do :; done']);
  const once = await container.stats({ stream: false });
  assert.ok(once.cpu_stats.cpu_usage.total_usage > once.precpu_stats.cpu_usage.total_usage);
  const stream = await container.stats({ stream: true });
  for await (const piece of stream) {
    assert.ok(JSON.parse(piece.toString()).memory_stats.usage > 0);
    break;
  }
  await container.kill();
});

test('events as they happen', async () => {
  const stream = await docker.getEvents({ filters: { type: ['container'], label: ['seen=yes'] } });
  const actions = [];
  const done = new Promise((resolve) => stream.on('data', (data) => {
    for (const line of data.toString().split('\n').filter(Boolean)) actions.push(JSON.parse(line).Action);
    if (actions.includes('destroy')) resolve();
  }));
  const container = await up(['true'], { Labels: { seen: 'yes' } });
  await container.wait();
  await container.remove();
  await done;
  stream.destroy();
  assert.deepEqual(actions, ['create', 'start', 'die', 'destroy']);
});

test('files travel both ways', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dockerode'));
  try {
    writeFileSync(join(folder, 'f'), 'data');
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['cat', '/tmp/f'] });
    await container.putArchive(tar.pack(folder), { path: '/tmp' });
    const stat = await container.infoArchive({ path: '/tmp/f' });
    stat.resume();
    const told = Buffer.from(stat.headers['x-docker-container-path-stat'], 'base64').toString();
    assert.equal(JSON.parse(told).size, 4);
    const back = await container.getArchive({ path: '/tmp/f' });
    await new Promise((resolve, reject) => back.pipe(tar.extract(join(folder, 'back'))).on('finish', resolve).on('error', reject));
    assert.equal(readFileSync(join(folder, 'back', 'f'), 'utf8'), 'data');
    assert.ok((await container.changes()).some(({ Path }) => Path === '/tmp/f'));
    assert.ok((await buffer(await container.export())).length > 1000000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('images are pushed, pulled with progress, saved, loaded and made', async () => {
  const name = `${registry}/team/node`;
  await docker.getImage('busybox').tag({ repo: name, tag: '1' });
  const pushed = await followed(await docker.getImage(`${name}:1`).push({ authconfig: { username: 'u', password: 'p' } }));
  assert.ok(pushed.some(({ aux }) => aux?.Digest.startsWith('sha256:')));
  await docker.getImage(`${name}:1`).remove();
  const pulled = await followed(await docker.pull(`${name}:1`));
  assert.match(pulled.at(-1).status, /Downloaded newer image/);
  await assert.rejects(docker.pull(`${name}:none`), { statusCode: 404 });
  assert.equal((await docker.listImages({ filters: { reference: [name] } })).length, 1);

  const container = await up(['touch', '/made']);
  await container.wait();
  const { Id } = await container.commit({ repo: name, tag: '2', comment: 'c', changes: 'CMD ls /made' });
  const saved = await buffer(await docker.getImage(`${name}:2`).get());
  await docker.getImage(`${name}:2`).remove();
  await followed(await docker.loadImage(Readable.from([saved])));
  assert.equal((await docker.getImage(`${name}:2`).inspect()).Id, Id);
  assert.equal((await docker.getImage(`${name}:2`).history())[0].Id, Id);
  await docker.getImage(`${name}:2`).remove();
  await docker.getImage(`${name}:1`).remove();
});

test('networks and volumes', async () => {
  const network = await docker.createNetwork({ Name: 'town', Internal: true, Labels: { n: '1' } });
  const web = await up(['httpd', '-f', '-p', '80', '-h', '/var/www'], {
    HostConfig: { NetworkMode: 'town' }, NetworkingConfig: { EndpointsConfig: { town: { Aliases: ['shop'] } } },
  });
  const guest = await up();
  await network.connect({ Container: guest.id });
  // The server may not listen yet.
  const exec = await guest.exec({ Cmd: ['sh', '-c', 'until wget -qO- http://shop/; do sleep 0.1; done'], AttachStdout: true });
  assert.match((await apart(await exec.start({})))[0], /Hello/);
  assert.equal(Object.keys((await network.inspect()).Containers).length, 2);
  await network.disconnect({ Container: web.id, Force: true });
  await assert.rejects(docker.createNetwork({ Name: 'town', CheckDuplicate: true }), { statusCode: 409 });

  const volume = await docker.createVolume({ Name: 'store', Labels: { v: '1' } });
  await (await up(['touch', '/v/f'], { HostConfig: { Binds: ['store:/v'] } })).wait();
  assert.equal((await volume.inspect()).Labels.v, '1');
  await assert.rejects(volume.remove(), { statusCode: 409 });
  const { ContainersDeleted } = await docker.pruneContainers();
  assert.equal(ContainersDeleted.length, 1);
  assert.equal((await docker.pruneVolumes({ filters: { all: ['true'] } })).VolumesDeleted[0], 'store');
});

test('a wish that is given up is no trouble', async () => {
  const container = await up();
  const controller = new AbortController();
  const waiting = container.wait({ abortSignal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(waiting);
  assert.equal((await docker.ping()).toString(), 'OK');
});
