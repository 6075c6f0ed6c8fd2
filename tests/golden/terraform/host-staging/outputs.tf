output "deployment" {
  description = "What the pipeline needs to know: where images go, what runs before a deployment, what is deployed."
  value = {
    region         = local.region
    repository_url = module.images.repository_url
    cluster        = module.cluster.name
    jobs = {
      db-migrate          = { on_deploy = true, task_definition = module.db_migrate.task_definition_arn, subnets = module.network.private_subnet_ids, security_group = module.db_migrate.security_group_id }
      expire-carts        = { on_deploy = false, task_definition = module.expire_carts.task_definition_arn, subnets = module.network.private_subnet_ids, security_group = module.expire_carts.security_group_id }
      expire-reservations = { on_deploy = false, task_definition = module.expire_reservations.task_definition_arn, subnets = module.network.private_subnet_ids, security_group = module.expire_reservations.security_group_id }
      seed                = { on_deploy = false, task_definition = module.seed.task_definition_arn, subnets = module.network.private_subnet_ids, security_group = module.seed.security_group_id }
    }
    sites        = { web = module.web.bucket }
    distribution = module.distribution.id
    address      = module.distribution.domain_name
    host_group   = module.hosts.group_name
  }
}
