"""Items: life cycle, custody, containment, transformation, waybills, history. Pure: no clock, no I/O."""
