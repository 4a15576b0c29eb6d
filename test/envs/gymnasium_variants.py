"""Keyword arguments other than the defaults, for comparisons with Gymnasium.

Every keyword argument that changes what a step shows or pays occurs, with a
value that changes it. "inf" stands for infinity, since JSON has none.
"""

FOUR = {"forward_reward_weight": 0.7, "ctrl_cost_weight": 0.3,
        "exclude_current_positions_from_observation": False}

VARIANTS = {
    "Ant-v5": [
        {**FOUR, "contact_cost_weight": 0.01, "contact_force_range": [-0.5, 2.0],
         "healthy_reward": 2.5, "healthy_z_range": [0.3, "inf"],
         "main_body": "aux_1", "frame_skip": 2},
        {"include_cfrc_ext_in_observation": False, "main_body": 4,
         "terminate_when_unhealthy": False, "healthy_z_range": ["-inf", 0.6]}],
    "FrankaKitchen-v1": [
        {"tasks_to_complete": ["microwave", "slide cabinet", "light switch"],
         "terminate_on_tasks_completed": False,
         "remove_task_when_completed": False}],
    "HalfCheetah-v5": [{**FOUR, "frame_skip": 3}],
    "Hopper-v5": [
        {**FOUR, "healthy_reward": 2.5, "healthy_z_range": [1.0, 1.26],
         "healthy_state_range": [-3.0, 5.0], "healthy_angle_range": [-0.1, 0.3],
         "frame_skip": 2},
        {"terminate_when_unhealthy": False}],
    "Humanoid-v5": [
        {**FOUR, "contact_cost_weight": 1e-3, "contact_cost_range": [0.5, 7.0],
         "healthy_reward": 2.5, "healthy_z_range": [1.2, 1.45],
         "include_cinert_in_observation": False,
         "include_cfrc_ext_in_observation": False, "frame_skip": 2},
        {"terminate_when_unhealthy": False, "include_cvel_in_observation": False,
         "include_qfrc_actuator_in_observation": False}],
    "HumanoidStandup-v5": [
        {"ctrl_cost_weight": 0.3, "impact_cost_weight": 1e-3,
         "impact_cost_range": [0.5, 7.0], "uph_cost_weight": 3.0,
         "exclude_current_positions_from_observation": False,
         "include_cvel_in_observation": False,
         "include_qfrc_actuator_in_observation": False, "frame_skip": 2},
        {"include_cinert_in_observation": False,
         "include_cfrc_ext_in_observation": False}],
    "InvertedDoublePendulum-v5": [{"healthy_reward": 2.5, "frame_skip": 3}],
    "InvertedPendulum-v5": [{"frame_skip": 3}],
    "Pusher-v5": [
        {"reward_near_weight": 1.5, "reward_dist_weight": 0.7,
         "reward_control_weight": 0.3, "frame_skip": 3}],
    "Reacher-v5": [
        {"reward_dist_weight": 0.7, "reward_control_weight": 0.3,
         "frame_skip": 3}],
    "Swimmer-v5": [{**FOUR, "frame_skip": 2}],
    "Walker2d-v5": [
        {**FOUR, "healthy_reward": 2.5, "healthy_z_range": [1.1, "inf"],
         "healthy_angle_range": [-0.1, 0.3], "frame_skip": 2},
        {"terminate_when_unhealthy": False, "xml_file": "walker2d.xml"}],
}


def for_gymnasium(kwargs):
    """Returns the same keyword arguments with tuples and real infinities."""
    def convert(value):
        if isinstance(value, list) and len(value) == 2:
            return tuple(float(end) for end in value)
        return value
    return {key: convert(value) for key, value in kwargs.items()}
