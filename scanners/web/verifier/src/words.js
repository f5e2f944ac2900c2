// Every sentence of the page, Chinese and English. `{name}` is filled in; a key that is missing is an error at once.

import kinds from './kinds.json';
import substances from './substances.json';

export const LANGUAGES = ['zh', 'en'];

const WORDS = {
  title: ['离线查验', 'Offline check'],
  subtitle: ['不联网，不依赖账本服务器', 'No network, no trust in the ledger’s server'],
  'theme.auto': ['自动', 'auto'],
  'theme.light': ['阳光', 'sun'],
  'theme.dark': ['夜间', 'night'],
  'theme.label': ['显示', 'Display'],
  'language.label': ['语言', 'Language'],
  'trust.title': ['第一步：信任文件', 'Step 1: the trust file'],
  'trust.none': ['还没有信任文件。请向主管部门索取，不要用出示证明的一方给的文件。', 'No trust file yet. Get it from the authority, never from whoever shows you the proof.'],
  'trust.have': ['账本：{origin}', 'Log: {origin}'],
  'trust.key': ['主管部门密钥 {authority}', 'Authority’s key {authority}'],
  'trust.mirrors': ['独立重算机构：{mirrors}', 'Independent mirrors: {mirrors}'],
  'trust.no-mirrors': ['没有独立重算机构：完整性和时间只能听运营方的', 'No independent mirrors: completeness and time will rest on the operator’s word'],
  'trust.more': ['详情', 'Details'],
  'trust.kept': ['由您载入，保存在本浏览器', 'Loaded by you, kept in this browser'],
  'trust.exported': ['随本页一起导出', 'Exported together with this page'],
  'trust.operator': ['仅为运营方的说法：请用主管部门给的信任文件代替', 'As the operator states: replace it by the file from the authority'],
  'trust.choose': ['载入信任文件', 'Load a trust file'],
  'trust.other': ['换一个信任文件', 'Load another trust file'],
  'trust.forget': ['移除', 'Remove'],
  'trust.first': ['已读到证明。请先载入信任文件，随后自动查验。', 'The proof is here. Load a trust file first; the check then runs by itself.'],
  'trust.offer': ['这是一份信任文件。只有从主管部门或检查机构取得的才能使用；出示证明的一方给的不能用。', 'This is a trust file. Use it only if it came from the authority or inspectorate, never from whoever shows the proof.'],
  'trust.take': ['确认来源可靠，使用这份信任文件', 'I know where it came from: use it'],
  'trust.shown': ['二维码里是信任文件，未采用。信任文件只能由您自己载入。', 'The QR code holds a trust file; it was not taken. Only you load a trust file.'],
  'trust.belongs': ['这是信任文件，不是证明：它属于第一步。', 'This is a trust file, not a proof: it belongs to step 1.'],
  'proof.belongs': ['这是证明，不是信任文件：请在第二步选择它。', 'This is a proof, not a trust file: use step 2.'],
  'trust.loaded': ['信任文件已载入。', 'The trust file is loaded.'],
  'trust.bad': ['这不是可用的信任文件', 'This is no trust file that can be used'],
  'proof.title': ['第二步：证明', 'Step 2: the proof'],
  'proof.file': ['选择文件', 'Choose a file'],
  'proof.photo': ['拍照识别二维码', 'Photograph a QR code'],
  'proof.camera': ['用摄像头扫码', 'Scan with the camera'],
  'proof.paste': ['粘贴文字', 'Paste text'],
  'proof.paste-label': ['证明或信任文件的文字', 'Text of a proof or trust file'],
  'proof.paste-go': ['查验', 'Check'],
  'proof.clock': ['本机时间准确，用它判断是否过期', 'This device’s clock is right: use it to judge the age'],
  'camera.title': ['对准二维码', 'Point at the QR code'],
  'camera.hint': ['拿稳、光线充足、让二维码充满画面。', 'Hold still, in good light, and let the code fill the picture.'],
  'camera.stop': ['停止扫码', 'Stop scanning'],
  'camera.denied': ['没有摄像头权限。请在浏览器设置里允许，或改用拍照、选择文件。', 'The camera is not allowed. Allow it in the browser’s settings, or use a photo or a file.'],
  'camera.none': ['没有找到摄像头。请改用拍照、选择文件或粘贴。', 'No camera was found. Use a photo, a file or paste the text.'],
  'camera.busy': ['摄像头正被别的程序使用。关闭它，或改用拍照。', 'Another program uses the camera. Close it, or use a photo.'],
  'camera.insecure': ['这个页面打不开摄像头（需要 HTTPS 或从磁盘打开）。请改用拍照或文件。', 'This page cannot open the camera (it needs HTTPS or opening from disk). Use a photo or a file.'],
  'camera.reader': ['这个浏览器太旧，无法识别二维码。请选择文件或粘贴文字。', 'This browser is too old to read QR codes. Choose a file or paste the text.'],
  'camera.nothing': ['照片里没有识别出二维码。靠近一点、拿稳、避开反光，再拍一张。', 'No QR code was read in this picture. Move closer, hold still, avoid glare, and try again.'],
  'camera.other': ['这个二维码不是状态证明，也不是追溯码。', 'This QR code is neither a status proof nor a trace code.'],
  'label.same': ['标签上的追溯码与刚才查验的一致：{code}', 'The code on the label is the one just checked: {code}'],
  'label.different': ['标签上的追溯码 {code} 与查验的 {subject} 不一致！', 'The code on the label, {code}, is not the one checked, {subject}!'],
  'label.alone': ['读到标签 {code}。它本身不是证明：请向持有人索取证明文件或状态二维码。', 'A label was read: {code}. It is no proof by itself: ask for the proof file or status QR code.'],
  'work.busy': ['正在查验…… {done} / {all}', 'Checking… {done} of {all}'],
  'work.reading': ['正在读取……', 'Reading…'],
  'result.title': ['结果', 'Result'],
  'result.good': ['查验通过', 'It checks out'],
  'result.operator': ['查验通过，但有两项只是运营方的说法', 'It checks out, but part of it is the operator’s word only'],
  'result.trust': ['核对一致，但信任文件来自运营方', 'It fits, but the trust file came from the operator'],
  'result.status': ['状态属实', 'The state is proved'],
  'result.refused': ['查验不通过，不要采信', 'Refused: do not rely on it'],
  'result.stale': ['证明已过期，请索取新的', 'The proof is too old: ask for a new one'],
  'result.unreadable': ['读不懂：这不是完整的证明', 'Unreadable: this is no whole proof'],
  'result.code': ['错误代码', 'Error code'],
  'result.detail': ['技术说明', 'Technical detail'],
  'result.compare': ['请与实物标签逐位核对', 'Compare with the label, sign by sign'],
  'result.events': ['共 {count} 条记录，最后一条是账本第 {last} 号', '{count} events; the last is entry {last} of the log'],
  'tag.yes': ['已证实', 'Proved'],
  'tag.word': ['运营方说', 'Operator’s word'],
  'tag.not': ['未说明', 'Not said'],
  'name.authentic': ['真实', 'Authentic'],
  'name.included': ['在册', 'Included'],
  'name.complete': ['完整', 'Complete'],
  'name.current': ['最新', 'Current'],
  'authentic.yes': ['每条记录都由当时有权的密钥签名。', 'Every event is signed by a key that its enterprise held then.'],
  'authentic.yes-by-operator': ['每条记录都由当时有权的密钥签名；密钥历史是否完整，只是运营方的说法。', 'Every event is signed by a key that its enterprise held then; that the histories of the keys are complete is as the operator states.'],
  'authentic.not_said': ['状态证明不出示记录，不说明由谁签名。', 'A status proof shows no event, so it does not say who signed.'],
  'included.yes': ['每条记录都在签名的账本里。', 'Every event is in the signed log.'],
  'complete.yes': ['没有遗漏：{mirrors} 独立重算并签名。', 'Nothing is left out: {mirrors} recomputed everything and signed.'],
  'complete.as_operator_states': ['运营方说没有遗漏；没有独立机构重算过。', 'Nothing is left out, as the operator states; nobody independent has recomputed it.'],
  'current.as_of': ['截至 {time}（{mirrors} 签名时间）{age}', 'As of {time}, signed by {mirrors}{age}'],
  'current.as_operator_states': ['运营方说截至 {time}{age}', 'As of {time}, as the operator states{age}'],
  'age.now': ['，刚刚', ', just now'],
  'age.minutes': ['，{n} 分钟前', ', {n} min ago'],
  'age.hours': ['，{n} 小时前', ', {n} h ago'],
  'age.days': ['，{n} 天前', ', {n} days ago'],
  'not.title': ['没有查验的', 'What was not checked'],
  'not.truth': ['记录内容是否属实：请查看实物、标签和内容物。', 'Whether what was signed is true: look at the drum, the label and what is inside.'],
  'not.later': ['{time} 之后发生的事。', 'What happened after {time}.'],
  'not.rules': ['是否符合法规，企业当时是否登记在业。', 'Rules of law and business, and whether the enterprise was registered and open then.'],
  'not.alerts': ['账本是否对它有预警或矛盾记录：请在联网时查看履历页，或向主管部门核实。', 'Whether the ledger has alerts or contradictions about it: look at its history page when online, or ask the authority.'],
  'not.events': ['各条记录的内容和签名：状态证明不带记录。', 'The events themselves and their signatures: a status proof carries none.'],
  'not.mirror': ['没有可采信的独立重算机构签名：完整性和时间是运营方的说法。', 'No signature of an independent mirror counts: completeness and time are the operator’s word.'],
  'not.mirror-clock': ['{mirrors} 的签名时间晚于本机时间，不采信：对方或本机的时钟不准。', '{mirrors} signed at a time after this device’s clock, which does not count: its clock or this one is wrong.'],
  'not.payloads': ['有的记录没有出示内容：不知道写了什么、是否代他人申报。', 'Some events do not show their content: what they say, and whether they speak for others, is unknown.'],
  'not.containers': ['有一次装箱没有出示内容：那个容器的经历不在此证明中。', 'A packing is shown without its content: the history of that container is not here.'],
  'not.trust': ['信任文件本身：它来自运营方，以上全部结论都以运营方的说法为前提。', 'The trust file itself: it came from the operator, so all of the above rests on the operator’s word.'],
  'not.age': ['是否过期：没有使用本机时间，或信任文件没有规定期限。', 'The age: the device’s clock was not used, or the trust file sets no limit.'],
  'history.title': ['经历', 'History'],
  'history.of': ['{subject} 的记录', 'Events of {subject}'],
  'history.others': ['所用密钥和容器的记录', 'Histories of the keys and containers used'],
  'history.hidden': ['内容未出示', 'content not shown'],
  'history.exception': ['例外申报', 'declared as an exception'],
  'history.entry': ['账本第 {index} 号', 'entry {index}'],
  'history.more': ['还有 {count} 条未列出', '{count} more are not listed'],
  'fact.quantity': ['数量 {value}', 'quantity {value}'],
  'fact.site': ['场所 {value}', 'site {value}'],
  'fact.counterparty': ['对方 {value}', 'other party {value}'],
  'fact.waybill': ['运单 {value}', 'waybill {value}'],
  'fact.vehicle': ['车辆 {value}', 'vehicle {value}'],
  'fact.container': ['容器 {value}', 'container {value}'],
  'fact.result': ['结果 {value}', 'result {value}'],
  'fact.role': ['密钥用途 {value}', 'key’s role {value}'],
  'fact.reason': ['原因 {value}', 'reason {value}'],
  'fact.remark': ['说明 {value}', 'remark {value}'],
  'fact.note': ['备注 {value}', 'note {value}'],
  'log.title': ['凭据', 'What it rests on'],
  'log.origin': ['账本', 'Log'],
  'log.size': ['账目数', 'Entries'],
  'log.time': ['账本时间', 'Log time'],
  'log.witnesses': ['共同签署', 'Cosigned by'],
  'log.nobody': ['无', 'nobody'],
  'log.sha256': ['证明文件 SHA-256', 'SHA-256 of the proof'],
  'log.authority': ['主管部门密钥', 'Authority’s key'],
  'log.signatures': ['在本机验证的签名', 'Signatures checked on this device'],
  'foot.about': ['关于本页', 'About this page'],
  'foot.sources': ['源文件摘要 SHA-256 {digest}', 'SHA-256 of the sources {digest}'],
  'foot.offline': ['本页不连接任何网络；浏览器按页内规定拒绝一切连接。', 'This page connects to nothing; the browser refuses every connection by the page’s own rule.'],
  'foot.licences': ['所用开放源码', 'Open-source parts'],
  'time.beijing': ['{text} 北京时间', '{text} Beijing time'],
};

// What a refusal means and what to do: by its code, else by the part before the point.
const REFUSALS = {
  'bundle.stale': ['这份证明是真的，但超过了信任文件允许的期限。请持有人联网取一份新的。', 'The proof is genuine but older than the trust file accepts. Ask the holder to fetch a new one.'],
  'bundle.event-omitted': ['有记录被拿掉了。', 'An event has been left out.'],
  'bundle.subject-root': ['出示的记录不是账本里的那些：被改动、替换、删减或调换了顺序。', 'The events shown are not those in the log: changed, exchanged, left out or reordered.'],
  'bundle.order': ['记录的顺序不对，或混入了别的物品的记录。', 'The events are out of order, or one belongs to something else.'],
  'bundle.section-missing': ['缺少签名密钥或容器的记录，无法判断。请索取完整的证明。', 'The history of a signer’s key or a container is missing. Ask for the whole proof.'],
  'bundle.signature-unneeded': ['有一个信任文件不认识的签名。信任文件可能过旧，或证明被动过手脚。', 'A signature that the trust file does not know. The trust file may be old, or the proof was tampered with.'],
  'policy.unmet': ['信任文件要求的见证方没有签名。', 'The witnesses that the trust file asks for have not signed.'],
  'note.signature': ['账本或见证方的签名不对：证明被改动过，或不是这个账本的。', 'The signature of the log or of a witness is wrong: the proof was changed, or is not of this log.'],
  'checkpoint.invalid': ['这份证明属于另一个账本，或检查点不完整。', 'This proof is of another log, or its checkpoint is malformed.'],
  'signature.invalid': ['有一条记录的签名不对：不是那个密钥签的。', 'The signature of an event is wrong: that key did not sign it.'],
  'payload.digest-mismatch': ['有一条记录的内容被改过，与签名时不同。', 'The content of an event is not what was signed.'],
  'proof.root-mismatch': ['这些记录不在签名的账本里。', 'These events are not in the signed log.'],
  'map.proof': ['账本没有为这个物品证明这样的历史。', 'The log does not prove such a history of this item.'],
  'key.revoked': ['签名的密钥在此之前已报失密，或设备已撤销。', 'The signing key had been declared compromised, or its device revoked, before.'],
  'key.retired': ['签名的密钥在此之前已停用。', 'The signing key had been retired before.'],
  'key.before-registration': ['签名的密钥当时还没有登记。', 'The signing key was not registered yet.'],
  'key.unknown': ['签名的密钥没有登记。', 'The signing key is not registered.'],
  'key.foreign': ['一家企业的密钥替另一家签了名。', 'The key of one enterprise signed for another.'],
  'key.role': ['签名的密钥无权签这种记录，或主管部门不是信任文件里的那一个。', 'The signing key may not sign this kind of event, or the authority is not the one in the trust file.'],
  'trust.format': ['信任文件不完整或自相矛盾。请重新索取。', 'The trust file is incomplete or contradicts itself. Ask for it again.'],
  'page.failed': ['本页出了故障，结论作废。请换一个浏览器再试，并报告此事。', 'This page failed; nothing was decided. Try another browser, and report it.'],
  form: ['文件不是完整的证明：缺了一部分、被改过，或根本是别的文件。请重新取一份。', 'The file is no whole proof: part is missing, it was changed, or it is something else. Get it again.'],
  other: ['证明的各部分互相矛盾。', 'The parts of the proof contradict each other.'],
};

// Units by their code in events (UN/CEFACT Recommendation 20); a unit that is not here is shown as it was signed.
const UNITS = { KGM: '千克 kg', GRM: '克 g', MGM: '毫克 mg', TNE: '吨 t', LTR: '升 L', MLT: '毫升 mL', MTQ: '立方米 m³', H87: '件 pcs' };

export const unitWord = unit => (Object.hasOwn(UNITS, unit) ? UNITS[unit] : unit);

const FORM_CODES = /^(?:bundle\.format|json\.|cbor\.|base45\.|wire\.|note\.format|proof\.shape|entry\.|header\.|epoch\.format|subject\.|code\.|credit-code\.|time\.|payload\.invalid|key\.spki|key\.weak)/;

/** Whether a code says that something cannot be read, rather than that it is false. */
export const isFormCode = code => FORM_CODES.test(code);

export function explainRefusal(code) {
  return REFUSALS[code] ?? (isFormCode(code) ? REFUSALS.form : REFUSALS.other);
}

/** The text of a key in a language, filled in. */
export function word(language, key, fields = {}) {
  const pair = WORDS[key];
  if (!pair) throw new Error(`no word ${key}`);
  return pair[LANGUAGES.indexOf(language)].replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

export const pick = (language, pair) => pair[LANGUAGES.indexOf(language)];
export const kindWord = (language, kind, phase) => pick(language, kinds[`${kind}.${phase}`] ?? [`${kind}/${phase}`, `${kind}/${phase}`]);

/** The substance of an item's code: [Chinese, English], or null where the code does not say. */
export const substanceOf = code => substances[code.slice(4, 7)] ?? null;

/** BJ1P-005-7K2M-4QX9T3C-F: the code as people read it. */
export const prettyCode = code => `${code.slice(0, 4)}-${code.slice(4, 7)}-${code.slice(7, 11)}-${code.slice(11, 18)}-${code.slice(18)}`;

/** Beijing time to the second, from microseconds (BigInt). */
export function beijing(us) {
  const moment = new Date(Number(us / 1000n) + 8 * 3600000);
  return moment.toISOString().slice(0, 19).replace('T', ' ');
}
