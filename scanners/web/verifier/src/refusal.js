// One kind of failure: a refusal with the stable code of the ledger's error tree (docs/reference/errors.md).

export class Refusal extends Error {
  /** `code` is the tree's; `detail` says what was wrong in English; `fields` holds both sides of a mismatch. */
  constructor(code, detail, fields = {}) {
    super(detail);
    this.name = 'Refusal';
    this.code = code;
    this.fields = fields;
  }
}

export function refuse(code, detail, fields) {
  throw new Refusal(code, detail, fields);
}
