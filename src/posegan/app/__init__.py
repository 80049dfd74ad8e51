"""The page in the browser: a local web server over the predictor. Its TypeScript sources are in web/."""
