"""The witness's door: `add-checkpoint` of C2SP tlog-witness, and what everybody may see."""
