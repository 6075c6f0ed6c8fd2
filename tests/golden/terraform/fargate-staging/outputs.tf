output "deployment" {
  description = "What there is to work with: where images go, what runs, which jobs can be started, where it answers."
  value = {
    repository_url = module.images.repository_url
    cluster        = module.cluster.name
    services       = [module.api.service_name, module.fulfil.service_name]
    jobs = [
      module.db_migrate.task_family, module.expire_carts.task_family, module.expire_reservations.task_family,
      module.seed.task_family,
    ]
    sites        = { web = module.web.bucket }
    distribution = module.distribution.id
    address      = module.distribution.domain_name
  }
}
