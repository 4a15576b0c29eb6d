#!/usr/bin/env bash
# Fills a folder with what the environments need and Debian does not package,
# taken from pinned wheels (nothing of them is run):
#   mujoco/             MuJoCo's headers, library and licences
#   gymnasium-assets/   the MJCF models of Gymnasium's MuJoCo tasks, and in
#                       kitchen_franka/ the kitchen of Gymnasium-Robotics
#   python/             both packages, for the parity test alone; the test
#                       reports itself as skipped where this part is missing
# Usage: fetch_assets.sh DEST
set -euo pipefail

mujoco=4.0.1
gymnasium=1.4.0
robotics=1.4.2
declare -A mujoco_sha256=(
  [x86_64]=be28c0c7587347ef996b4de0487264e9da296282082b092bae211a9163e9aed6
  [aarch64]=52d934614a56f7d75dcfc2bd8bb72f058b465ecc19a0583a56df242f9505bdb6
)
gymnasium_sha256=1cb947c59e7c72d8eabb2c2274c00cd20948e69f8452a9ef4092223be24fdf0e
robotics_sha256=a1743530431cb377e6b3b956d284bc96436fc68bac1648ef205054c178e7dc4b
oracle=("mujoco-core==$mujoco" "gymnasium==$gymnasium" "numpy>=2,<3" glfw
  imageio packaging Jinja2)
# these ask for a shell over MuJoCo that lags behind
kitchen_oracle=("gymnasium-robotics==$robotics" pettingzoo)

(($# == 1)) && [[ -n $1 ]] || {
  echo "fetch_assets.sh: one folder to fill is required: got $# arguments" >&2
  exit 2
}
dest=$1
machine=${HOSTTYPE%%-*} # x86_64, aarch64
stamp=$dest/.assets-$mujoco-$gymnasium-$robotics-$machine
library=libmujoco.so.$mujoco
models=(ant half_cheetah hopper humanoid humanoidstandup
  inverted_double_pendulum inverted_pendulum pusher_v5 reacher swimmer
  walker2d_v5)
kitchen=gymnasium-assets/kitchen_franka
files=("${models[@]/#/$dest/gymnasium-assets/}"
  "$dest/$kitchen"/{kitchen,franka}_assets/basic_scene)
files=("${files[@]/%/.xml}" "$dest/mujoco/$library"
  "$dest"/mujoco/include/mujoco/{mujoco,mjdata}.h "$dest/mujoco/LICENSE"
  "$dest/gymnasium-assets/LICENSE" "$dest/$kitchen"/LICENSE{,.md}
  "$dest/$kitchen/kitchen_assets/kitchen_env_model.xml")

say() { printf 'fetch_assets.sh: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Prints the first expected file that is absent or empty.
absent() {
  local file
  for file in "${files[@]}"; do
    [[ -s $file ]] || {
      echo "$file"
      return
    }
  done
}

# Downloads the wheels into a folder and checks their hashes. The library
# is the same in the wheel of every Python, so that of 3.11 serves all.
download() {
  local sha=${mujoco_sha256[$machine]-} log=$1/pip.log
  [[ -n $sha ]] || fail "MuJoCo $mujoco needs x86_64 or aarch64: got $machine"
  printf '%s --hash=sha256:%s\n' "mujoco-core==$mujoco" "$sha" \
    "gymnasium==$gymnasium" "$gymnasium_sha256" \
    "gymnasium-robotics==$robotics" "$robotics_sha256" >"$1/requirements.txt"
  python3 -m pip --disable-pip-version-check download --quiet --no-deps \
    --require-hashes --only-binary=:all: --python-version 3.11 \
    --implementation cp --abi cp311 --platform "manylinux_2_28_$machine" \
    --platform "manylinux_2_27_$machine" --platform "manylinux2014_$machine" \
    --dest "$1" --requirement "$1/requirements.txt" >"$log" 2>&1 ||
    fail "pip must fetch mujoco-core $mujoco, gymnasium $gymnasium and" \
      "gymnasium-robotics $robotics:" \
      "got $(grep -m 1 -i error "$log" || tail -n 1 "$log")"
}

# Unpacks only what is needed of the wheels in $1 into $2.
unpack() {
  python3 - "$1" "$2" "$library" <<'PYTHON'
import pathlib, sys, zipfile
wheels, dest, library = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]

def place(name):
    path = pathlib.PurePosixPath(name)
    if name.endswith("/"):
        return None
    if name.startswith("mujoco/include/mujoco/") and path.suffix == ".h":
        return "mujoco/include/mujoco/" + path.name
    if name == "mujoco/" + library:
        return name
    if name.startswith("gymnasium/envs/mujoco/assets/") and path.suffix == ".xml":
        return "gymnasium-assets/" + path.name
    robotics = "gymnasium_robotics/envs/assets/"
    if name.startswith(robotics + "kitchen_franka/"):
        return "gymnasium-assets/" + name.removeprefix(robotics)
    if name == robotics + "LICENSE.md" or \
            name.startswith("gymnasium_robotics-") and path.name == "LICENSE":
        return "gymnasium-assets/kitchen_franka/" + path.name
    if ".dist-info/licenses/" in name and not name.startswith("gymnasium_r"):
        owner = "mujoco" if name.startswith("mujoco") else "gymnasium-assets"
        return owner + "/" + path.name

for wheel in wheels.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            target = place(name)
            if target:
                target = dest / target
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))
PYTHON
}

# Replaces the folder $2 by the folder $1.
replace() {
  rm -rf "$2"
  mv "$1" "$2"
}

# Installs Gymnasium for the parity test; without it everything else works.
install_oracle() {
  local log=$1/oracle.log
  if python3 -m pip --disable-pip-version-check install --quiet \
    --only-binary=:all: --target "$1/python" "${oracle[@]}" >"$log" 2>&1 &&
    python3 -m pip --disable-pip-version-check install --quiet --no-deps \
      --only-binary=:all: --target "$1/python" "${kitchen_oracle[@]}" \
      >"$log" 2>&1; then
    replace "$1/python" "$dest/python"
    : >"$stamp-oracle"
  else
    say "the test against Gymnasium will be skipped, pip could not install" \
      "${oracle[*]} ${kitchen_oracle[*]}: $(grep -m 1 -i error "$log" || tail -n 1 "$log")"
  fi
}

[[ -e $stamp && -z $(absent) ]] && complete=1 || complete=0
((complete)) && [[ -e $stamp-oracle ]] && exit 0

if ! python3 -m pip --version >/dev/null 2>&1; then
  ((!complete)) || exit 0 # only the parity test would gain something
  fail "python3 with pip is required: got $(command -v python3 || echo none)" \
    "without a module pip (Debian: python3 python3-pip)"
fi
mkdir -p "$dest" 2>/dev/null && [[ -w $dest ]] ||
  fail "a writable folder is required: got $dest"
scratch=$(mktemp -d "$dest/.fetch.XXXXXX") # on the same disk, so that mv is atomic
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

if ((!complete)); then
  rm -f "$stamp"
  download "$scratch"
  unpack "$scratch" "$scratch" ||
    fail "the wheels of MuJoCo and Gymnasium(-Robotics) must unpack: got an error"
  replace "$scratch/mujoco" "$dest/mujoco"
  replace "$scratch/gymnasium-assets" "$dest/gymnasium-assets"
  [[ -z $(absent) ]] || fail "the wheels must hold $(absent): got none"
  : >"$stamp"
fi
[[ -e $stamp-oracle ]] || install_oracle "$scratch"
