// Runs published vectors in the built page: a list of cases in, a list of {want} or {error} out.
// Operations are those of the vectors that the page's verifier has; the others are another program's work.
async ({ cases, browser }) => {
  const v = globalThis.chemtraceVerifier;
  const { fromHex, toHex, utf8 } = v.octets;
  const hex = text => fromHex(text);
  const hexes = texts => texts.map(hex);
  const mapPath = path => ({ depth: path.depth, bitmap: hex(path.bitmap), siblings: hexes(path.siblings) });
  const signatures = () => new v.keys.Signatures({ browser });
  const proof = given => ('text' in given ? utf8(given.text) : hex(given.bytes));

  function short(verdict) {
    const shown = verdict.kind === 'bundle' ? verdict.sections[0].events : null;
    return {
      subject: verdict.subject,
      size: Number((verdict.bundle ?? verdict.status).checkpoint.size),
      count: shown ? shown.length : verdict.count,
      last: shown ? shown.at(-1).index : verdict.last,
      as_of_us: Number(verdict.time),
      authentic: verdict.authentic,
      included: verdict.included,
      complete: verdict.complete,
      current: verdict.current,
      not_checked: verdict.notChecked,
    };
  }

  const verifying = check => async given =>
    short(
      await check(proof(given), {
        trust: v.parseTrust(utf8(given.trust)),
        now: 'now_us' in given ? BigInt(given.now_us) : null,
        signatures: signatures(),
        onProgress: () => {},
      }),
    );

  const operations = {
    bundle: verifying(v.verifyBundle),
    status: verifying(v.verifyStatus),
    trust: given => {
      const { mirrors, origin } = v.parseTrust(utf8(given.trust));
      return { mirrors, origin };
    },
    canonical: given => v.canonical.parseCanonical(hex(given.bytes), 1000000),
    entry: given => {
      const { header, signatures: signed, leaf } = v.entry.parseEntry(hex(given.bytes));
      return { header: toHex(header), signatures: signed.map(([kid, one]) => [kid, toHex(one)]), leaf: toHex(leaf) };
    },
    key: given => {
      const { alg, kid } = v.keys.parseSpki(hex(given.spki));
      return { alg, kid };
    },
    signature: async given => {
      await signatures().verify(v.keys.parseSpki(hex(given.spki), given.sm2_id ?? ''), hex(given.message), hex(given.signature));
      return true;
    },
    inclusion: given => {
      v.merkle.verifyInclusion(hex(given.leaf), BigInt(given.index), BigInt(given.size), hexes(given.path), hex(given.root));
      return true;
    },
    consistency: given => {
      const { old_size: before, new_size: after } = given;
      v.merkle.verifyConsistency(BigInt(before), BigInt(after), hex(given.old_root), hex(given.new_root), hexes(given.path));
      return true;
    },
    chain: given => toHex(v.merkle.chainOf(hexes(given.leaves))),
    root: given => toHex(v.merkle.treeRoot(hexes(given.leaves))),
    epoch: given => {
      const record = v.entry.parseEpoch(utf8(given.header));
      const entry = v.entry.epochEntry(utf8(given.header));
      return { number: record.number, entry: toHex(entry), leaf: toHex(v.merkle.hashLeaf(entry)) };
    },
    checkpoint: async given => {
      const verifier = v.note.parseVkey(given.vkey, v.note.LOG_KEY);
      const { text, lines } = v.note.parseNote(utf8(given.note));
      const line = lines.find(one => v.note.sameKey(one, verifier));
      if (!line) return Promise.reject(Object.assign(new Error(), { code: 'note.signature' }));
      await v.note.verifyLogLine(verifier, text, line, signatures());
      const { size, root } = v.note.parseCheckpoint(text, given.origin);
      return { size: Number(size), root: toHex(root) };
    },
    'map-value': given => {
      v.map.verifyMapValue(hex(given.root), given.subject, hex(given.value), mapPath(given.path));
      return true;
    },
    'map-absence': given => {
      const { other } = given;
      v.map.verifyMapAbsence(hex(given.root), given.subject, mapPath(given.path), other && hexes(Array.isArray(other) ? other : [other.key, other.value_hash]));
      return true;
    },
    cosignature: async given => {
      const verifier = v.note.parseVkey(given.vkey, v.note.COSIGNATURE, v.note.COSIGNATURE_ML_DSA);
      const [line] = v.note.parseNote(utf8(`x\n\n${given.line}`)).lines;
      if (!v.note.sameKey(line, verifier)) throw Object.assign(new Error(), { code: 'note.signature' });
      return { time_s: Number(await v.note.verifyCosignature(verifier, given.text, line, signatures())) };
    },
    policy: given => {
      // A trust file holds its policy as text; a policy file of any bytes is read a byte a sign.
      const policy = v.policy.parsePolicy(String.fromCharCode(...hex(given.policy)));
      const needed = v.policy.cheapest(policy, new Set(given.names));
      if (!needed) throw Object.assign(new Error(), { code: 'policy.unmet' });
      return { quorum: v.policy.describe(policy), needed: needed.sort() };
    },
    sm3: given => toHex(v.sm3(hex(given))),
    code: given => v.subjects.checkCode(given),
    ed25519: async given => signatures().holds(v.keys.ed25519Key(hex(given.key)), utf8(given.msg), hex(given.sig)),
    'trusts-the-browser': async given => (await signatures().native(v.keys.parseSpki(hex(given.spki)))) !== null,
  };

  const results = [];
  for (const { op, input } of cases) {
    try {
      results.push({ want: await operations[op](input) });
    } catch (error) {
      results.push({ error: error.code ?? String(error.stack) });
    }
  }
  return results;
}
