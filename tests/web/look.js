// What a browser can say of a page: contrast, sizes of targets, names of controls, order of headings.
// A rough check of WCAG 2.2 AA by measurement (1.1.1, 1.3.1, 1.4.3, 2.4.6, 2.5.8, 3.1.1, 4.1.2): it finds what can be
// computed; the pictures in docs/images are looked at by people.
() => {
  const found = [];
  const parse = text => { const n = text.match(/[\d.]+/g).map(Number); return {r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1}; };
  const lum = c => [c.r, c.g, c.b].map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
      .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = el => { for (; el; el = el.parentElement) { const c = parse(getComputedStyle(el).backgroundColor); if (c.a > .99) return c; } return {r: 255, g: 255, b: 255}; };
  const shown = el => { const r = el.getBoundingClientRect(); const s = getComputedStyle(el);
      return r.width > 1 && r.height > 1 && s.visibility !== 'hidden' && s.clipPath === 'none' && !el.closest('.hidden, .skip'); };
  const name = el => `${el.tagName.toLowerCase()}.${el.className} "${(el.textContent || el.id || '').trim().slice(0, 30)}"`;
  for (const el of document.querySelectorAll('body *')) {
    if (el.closest('svg') || !shown(el)) continue;
    if (![...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const s = getComputedStyle(el), size = parseFloat(s.fontSize), bold = Number(s.fontWeight) >= 700;
    const a = lum(parse(s.color)), b = lum(ground(el));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const wanted = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (ratio < wanted) found.push(`contrast ${ratio.toFixed(2)} < ${wanted}: ${name(el)}`);
  }
  for (const el of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')) {
    if (!shown(el) || el.closest('[aria-hidden=true]')) continue;
    const r = el.getBoundingClientRect();
    const inline = el.tagName === 'A' && el.closest('p, li, dd, td') && getComputedStyle(el).display === 'inline';
    if (!inline && (r.height < 24 || r.width < 14)) found.push(`target ${r.width.toFixed(0)}x${r.height.toFixed(0)}: ${name(el)}`);
    if (['BUTTON', 'INPUT', 'SELECT'].includes(el.tagName) && r.height < 44) found.push(`control ${r.height}: ${name(el)}`);
    const label = el.labels && el.labels.length ? el.labels[0].textContent : '';
    if (!((el.textContent || '').trim() || label.trim() || el.getAttribute('aria-label'))) found.push(`no name: ${name(el)}`);
    if (['INPUT', 'SELECT'].includes(el.tagName) && !label.trim()) found.push(`no label: ${name(el)}`);
  }
  for (const el of document.querySelectorAll('img')) if (!el.alt) found.push('no alt: ' + el.src);
  for (const el of document.querySelectorAll('svg')) if (el.getAttribute('role') !== 'img' || !el.getAttribute('aria-label')) found.push('svg without a name');
  const ids = [...document.querySelectorAll('[id]')].map(el => el.id);
  if (new Set(ids).size !== ids.length) found.push('ids stand twice: ' + ids.filter((id, i) => ids.indexOf(id) !== i));
  for (const el of document.querySelectorAll('[aria-describedby], [aria-labelledby]'))
    for (const id of (el.getAttribute('aria-describedby') || el.getAttribute('aria-labelledby')).split(' '))
      if (!document.getElementById(id)) found.push('names nothing: ' + id);
  let last = 0;
  for (const el of document.querySelectorAll('h1, h2, h3, h4')) { const level = Number(el.tagName[1]);
    if (level > last + 1) found.push('heading skips: ' + name(el)); last = level; }
  for (const tag of ['main', 'h1']) if (document.querySelectorAll(tag).length !== 1) found.push('not one ' + tag);
  if (!document.documentElement.lang || !document.title.trim()) found.push('no language or title');
  for (const el of document.querySelectorAll('table')) if (!el.caption) found.push('table without a caption');
  for (const el of document.querySelectorAll('th')) if (!el.scope) found.push('th without scope');
  return [...new Set(found)];
}
