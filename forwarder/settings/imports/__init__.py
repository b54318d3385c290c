"""Other products' whole configurations, translated once (a dialect translates one webhook at each load). One file per product."""
