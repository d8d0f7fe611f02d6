// Sources are not what is published: their dependencies and exports hold in this workspace only.
console.error('pack and publish from dist/packages: run "npm run pack" in the root of the workspace first');
process.exit(1);
