# A worker that a queue of photographs starts, a hundred times at once.
provider "aws" {
  region = "eu-central-1"
}

module "thumbs" {
  source = "../.."

  name = "shop-prod-thumbs"
  platform = {
    vpc_id         = "vpc-0a1b2c3d4e5f60718"
    subnet_ids     = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod-images:4f2a"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop-prod-images"
    key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/66666666-2222-3333-4444-555555555555"
  }
  command = ["python", "-m", "rung.runtime.function", "--name", "thumbs", "--queue", "uploads", "--handler", "shop.thumbs:make"]
  queues = {
    uploads = { arn = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-uploads", batch_size = 10, most_batches = 100 }
  }
}
